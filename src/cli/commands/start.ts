// queuectl start: runs the supervisor in the foreground, or leaves it in the background.
import { QueueError } from "../../queue/errors.ts";
import type { Requests } from "../../queue/requests.ts";
import { isWorkerName, type WorkerLock } from "../../queue/workers.ts";
import { afterMilliseconds, delay } from "../../system/delay.ts";
import { ignoredSignals } from "../../system/signals.ts";
import { pluralize } from "../../view/pluralize.ts";
import { supervise } from "../../worker/supervisor.ts";
import type { CommandContext } from "../command_context.ts";
import { openReporter } from "../reporter.ts";
import { leftAfterDrain, queuesIn } from "../start_queues.ts";
import { whileSchedulesFire } from "../start_schedules.ts";
import { spawnWorker } from "../worker_child.ts";
import { detach } from "./start_detached.ts";

/** As process 1 it inherits what jobs leave behind, and Deno collects only what it has started. */
const IS_INIT = "queuectl is process 1 here: what jobs leave behind stays a zombie when it ends; " +
  "give the container an init, as docker run --init does";

/** Runs jobs until stopped. @returns the exit code */
export async function startCommand(call: CommandContext): Promise<number> {
  const { context, flags } = call;
  const name = flags.text("worker-name");
  if (name !== undefined && !isWorkerName(name)) {
    throw new QueueError(
      "usage",
      `Cannot call a worker "${name}": a name is 1 to 64 of A-Z a-z 0-9 . _ -`,
    );
  }
  const queues = queuesIn(flags);
  const store = await call.store().forWorkers();
  const settings = await (await store.settings()).load();
  if (flags.has("detach")) return await detach(call, store);

  await (await store.maintenance()).afterReboot();
  const count = flags.number("count") ?? settings.worker_count;
  const { report, close } = openReporter(context, () => settings.log_level);
  const ignored = await ignoredSignals(["HUP", "INT"]);
  const lock = await (await store.workers()).joinAsSupervisor(Deno.pid);
  const requests = await store.openRequests();
  const who = { pid: Deno.pid, host: Deno.hostname(), startedAt: context.now() };
  await lock.announce(who);
  const stopping = new AbortController();
  const force = new AbortController();
  const ask = (reason: string, isForced: boolean) => {
    if (force.signal.aborted || stopping.signal.aborted && !isForced) return;
    report({ kind: "supervisor_stopping", reason, force: isForced });
    stopping.abort();
    if (isForced) force.abort();
  };
  const done = new AbortController();
  const listening = listen(requests, lock, ask, done.signal);
  const unlisten = onSignals(ignored, stopping.signal, ask);
  const timeout = flags.number("timeout");
  const cancelTimeout = timeout === undefined
    ? () => {}
    : afterMilliseconds(timeout * 1000, () => ask(`after ${timeout} s`, false));
  const drain = flags.has("drain");
  let dead = 0;
  try {
    report({ kind: "supervisor_started", workers: count, store: store.name });
    if (Deno.pid === 1) report({ kind: "warning", message: IS_INIT });
    const parts = {
      count,
      spawn: () => spawnWorker({ host: store.host, name, queues, drain, onDead: () => dead++ }),
      ready: () => void lock.announce({ ...who, ready: true }),
      sleep: delay,
      now: context.now,
      report,
    };
    const firing = { store, drain, now: context.now, report, stopping: stopping.signal };
    const run = () => supervise(parts, stopping.signal, force.signal);
    if (!await whileSchedulesFire(firing, run)) {
      throw new QueueError("unfinished", "Cannot run jobs: no worker came up", {
        hint: "What each of them said stands above",
      });
    }
  } finally {
    cancelTimeout();
    unlisten();
    done.abort();
    await listening;
    requests.close();
    await lock.leave();
    report({ kind: "supervisor_stopped" });
    await close();
  }
  const left = drain ? await leftAfterDrain(store, queues) : undefined;
  if (left !== undefined) call.say(left);
  if (drain && dead > 0) call.say(`${pluralize(dead, "job")} died: queuectl dlq list`);
  return 0;
}

/** Looks for requests of `queuectl stop`, and gives signs of life, until `done` aborts. */
async function listen(
  requests: Requests,
  lock: WorkerLock,
  ask: (reason: string, force: boolean) => void,
  done: AbortSignal,
): Promise<void> {
  while (!done.aborted) {
    try {
      const kind = await requests.stopRequested(lock.name);
      if (kind !== undefined) ask("queuectl stop", kind === "force");
      await lock.heartbeat();
    } catch {
      // A full disk, or a folder that is gone: signals still reach this process.
    }
    await requests.wait(undefined, done);
  }
}

/**
 * Ctrl-C and SIGTERM ask once, and the second time kill. SIGHUP never kills: a terminal that is
 * closed sends several.
 */
function onSignals(
  ignored: ReadonlySet<string>,
  stopping: AbortSignal,
  ask: (reason: string, force: boolean) => void,
): () => void {
  let hungUp = false;
  const hear = (signal: string) => {
    const isForced = stopping.aborted && signal !== "HUP" && !hungUp;
    hungUp = signal === "HUP" && (hungUp || !stopping.aborted);
    ask(signal === "INT" ? "Ctrl-C" : `SIG${signal}`, isForced);
  };
  const names = Deno.build.os === "windows" ? ["INT", "BREAK"] : ["INT", "TERM", "HUP"];
  const listeners = names.map((name) => ({
    signal: `SIG${name}` as Deno.Signal,
    // With the first listener Deno takes all of these up, and ends at those that nobody hears.
    hear: () => ignored.has(name) || hear(name),
  }));
  for (const { signal, hear } of listeners) Deno.addSignalListener(signal, hear);
  return () => {
    for (const { signal, hear } of listeners) Deno.removeSignalListener(signal, hear);
  };
}
