// queuectl start: runs the supervisor in the foreground, or leaves it in the background.
import { loadSettings } from "../../config/load.ts";
import { QueueError } from "../../queue/errors.ts";
import { prepareFolder } from "../../stores/file/prepare_folder.ts";
import { workerPermissions } from "../../system/permissions.ts";
import { selfCommand, sourceFolder } from "../../system/self.ts";
import { Watch } from "../../system/watch.ts";
import { clearStop, stopRequest } from "../../worker/control.ts";
import { isWorkerName, WorkerLock } from "../../worker/worker_lock.ts";
import { type Child, supervise } from "../../worker/supervisor.ts";
import type { CommandContext } from "../command_context.ts";
import { reporter } from "../reporter.ts";
import { whileSchedulesFire } from "../start_schedules.ts";
import { detach } from "./start_detached.ts";

/** Runs jobs until stopped. @returns the exit code */
export async function startCommand(call: CommandContext): Promise<number> {
  const { context, flags } = call;
  const { files } = context;
  const name = flags.text("worker-name");
  if (name !== undefined && !isWorkerName(name)) {
    throw new QueueError(
      "usage",
      `Cannot call a worker "${name}": a name is 1 to 64 of A-Z a-z 0-9 . _ -`,
    );
  }
  const dataDir = call.dataDir();
  const settings = loadSettings(dataDir, files);
  await prepareFolder(dataDir, files); // so that what is wrong with the folder is said here, once
  if (flags.has("detach")) return await detach(call, dataDir);

  const count = flags.number("count") ?? settings.worker_count;
  const report = reporter(context, () => settings.log_level);
  const lock = WorkerLock.join(files, dataDir, `supervisor-${Deno.pid}`);
  lock.announce({ pid: Deno.pid, host: Deno.hostname(), startedAt: context.now() });
  const stopping = new AbortController();
  const force = new AbortController();
  const ask = (reason: string, isForced: boolean) => {
    if (force.signal.aborted || stopping.signal.aborted && !isForced) return;
    report({ kind: "supervisor_stopping", reason, force: isForced });
    stopping.abort();
    if (isForced) force.abort();
  };
  const control = new Watch([`${dataDir}/control`], () => {});
  const done = new AbortController();
  const listening = listen(call, dataDir, lock.name, control, ask, done.signal);
  const unlisten = onSignals((signal) => ask(signal, stopping.signal.aborted));
  const timeout = flags.number("timeout");
  const timer = timeout === undefined
    ? undefined
    : setTimeout(() => ask(`after ${timeout} s`, false), timeout * 1000);
  try {
    report({ kind: "supervisor_started", workers: count, dataDir });
    const parts = {
      count,
      spawn: () => spawnWorker(call, dataDir),
      sleep,
      now: context.now,
      report,
    };
    await whileSchedulesFire(
      {
        files,
        dataDir,
        drain: flags.has("drain"),
        now: context.now,
        report,
        stopping: stopping.signal,
      },
      () => supervise(parts, stopping.signal, force.signal),
    );
  } finally {
    clearTimeout(timer);
    unlisten();
    done.abort();
    await listening;
    control.close();
    clearStop(files, dataDir, lock.name);
    lock.leave();
    report({ kind: "supervisor_stopped" });
  }
  return 0;
}

function spawnWorker({ flags }: CommandContext, dataDir: string): Child {
  const { program, args } = selfCommand(workerPermissions(dataDir, sourceFolder()));
  const name = flags.text("worker-name");
  const child = new Deno.Command(program, {
    args: [
      ...args,
      "worker",
      `--data-dir=${dataDir}`,
      ...(name === undefined ? [] : [`--worker-name=${name}`]),
      ...(flags.has("drain") ? ["--drain"] : []),
    ],
    stdin: "piped",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  return {
    pid: child.pid,
    ended: child.status.then(async ({ code, signal }) => {
      await input.close().catch(() => {});
      return { code, signal };
    }),
    stop: (kind) => void input.write(new TextEncoder().encode(`${kind}\n`)).catch(() => {}),
  };
}

/** Looks for requests of `queuectl stop` until `done` aborts. */
async function listen(
  { context }: CommandContext,
  dataDir: string,
  name: string,
  control: Watch,
  ask: (reason: string, force: boolean) => void,
  done: AbortSignal,
): Promise<void> {
  while (!done.aborted) {
    const kind = stopRequest(context.files, dataDir, name);
    if (kind !== undefined) ask("queuectl stop", kind === "force");
    await control.next(undefined, done);
  }
}

function onSignals(tell: (signal: string) => void): () => void {
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  const listeners = signals.map((signal) => ({
    signal,
    tell: () => tell(signal === "SIGINT" ? "Ctrl-C" : signal),
  }));
  for (const { signal, tell } of listeners) Deno.addSignalListener(signal, tell);
  return () => {
    for (const { signal, tell } of listeners) Deno.removeSignalListener(signal, tell);
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
