// queuectl start --detach: the same command once more, in a session of its own, writing what it
// tells to a file.
import { QueueError } from "../../queue/errors.ts";
import { selfCommand } from "../../system/self.ts";
import { isAlive } from "../../worker/worker_lock.ts";
import type { CommandContext } from "../command_context.ts";

const POLL = 20;
/** Milliseconds within which it must have come up. */
const PATIENCE = 10_000;

/**
 * Starts a supervisor in the background, and prints its process id once it runs. @returns the exit
 * code
 */
export async function detach(call: CommandContext, dataDir: string): Promise<number> {
  const { context } = call;
  const log = `${dataDir}/start.log`;
  const { program, args } = selfCommand();
  const words = [...args, "start", `--data-dir=${dataDir}`, ...flagsOf(call)];
  // The shell opens the file and becomes the program, so the process id is the program's.
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", 'umask 077; log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", log, program, ...words],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  child.unref();
  let ended = false;
  child.status.then(() => ended = true);
  for (let waited = 0; waited < PATIENCE; waited += POLL) {
    if (isAlive(context.files, dataDir, `supervisor-${child.pid}`)) {
      call.print(`${child.pid}\n`);
      return 0;
    }
    if (ended) break;
    await context.sleep(POLL);
  }
  throw new QueueError("unfinished", "The supervisor did not come up in the background", {
    hint: `See ${log}`,
  });
}

function flagsOf({ flags }: CommandContext): string[] {
  const given = ["count", "timeout"].flatMap((name) => {
    const value = flags.number(name);
    return value === undefined ? [] : [`--${name}=${value}`];
  });
  const name = flags.text("worker-name");
  return [
    ...given,
    ...(name === undefined ? [] : [`--worker-name=${name}`]),
    ...(flags.has("drain") ? ["--drain"] : []),
  ];
}
