// Starts a worker process for its supervisor, and exchanges messages with it: requests go to the
// worker's standard input, and a few words come from its standard output.
import type { Host } from "../../stores/store.ts";
import { pause } from "../../system/delay.ts";
import { workerPermissions } from "../../system/permissions.ts";
import { selfCommand, sourceFolders } from "../../system/self.ts";
import type { Child } from "../../worker/supervisor.ts";

/** What a worker says: `up` when it is ready to run jobs, `dead` when one of its jobs has died. */
export type WorkerWord = "up" | "dead";

/** Milliseconds to wait for the last words of a worker that has ended. */
const LAST_WORDS = 500;

export interface WorkerChildOptions {
  readonly host: Host;
  readonly name: string | undefined;
  /** The queues that it takes jobs from; all if undefined. */
  readonly queues: readonly string[] | undefined;
  readonly drain: boolean;
  /** Called when a job has died. */
  readonly onDead: () => void;
}

export function spawnWorker(options: WorkerChildOptions): Child {
  const { host, name, queues, drain, onDead } = options;
  const { program, args } = selfCommand(workerPermissions(host.folder, sourceFolders()));
  const child = new Deno.Command(program, {
    args: [
      ...args,
      "worker",
      ...host.options,
      ...(name === undefined ? [] : [`--worker-name=${name}`]),
      ...(queues === undefined ? [] : [`--queue=${queues.join()}`]),
      ...(drain ? ["--drain"] : []),
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  let isUp = () => {};
  const up = new Promise<void>((resolve) => isUp = resolve);
  const hearing = hear(child.stdout, (word) => word === "up" ? isUp() : onDead());
  return {
    pid: child.pid,
    up,
    ended: child.status.then(async ({ code, signal }) => {
      await input.close().catch(() => {});
      await pause(LAST_WORDS, hearing);
      return { code, signal };
    }),
    stop(kind) {
      input.write(new TextEncoder().encode(`${kind}\n`)).catch(() => {});
      if (kind === "force") wake(child);
    },
  };
}

/** A suspended process reads nothing, so it is resumed. */
function wake(child: Deno.ChildProcess): void {
  try {
    if (Deno.build.os !== "windows") child.kill("SIGCONT");
  } catch {
    // It has ended.
  }
}

async function hear(
  output: ReadableStream<Uint8Array>,
  tell: (word: WorkerWord) => void,
): Promise<void> {
  const reader = output.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value } = await reader.read().catch(() => ({ value: undefined }));
    if (value === undefined) return;
    const lines = (text + decoder.decode(value, { stream: true })).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) if (line === "up" || line === "dead") tell(line);
  }
}
