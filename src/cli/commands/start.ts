// queuectl start: runs the supervisor in the foreground, or starts it in the background.
import { messageOf, QueueError } from "../../queue/errors.ts";
import type { Settings } from "../../queue/settings.ts";
import { isWorkerName } from "../../queue/workers.ts";
import type { Store } from "../../stores/store.ts";
import { delay } from "../../system/delay.ts";
import { ignoredSignals } from "../../system/signals.ts";
import { pluralize } from "../../view/pluralize.ts";
import { keepHouse } from "../../worker/housekeeper.ts";
import { onceReachable } from "../../worker/once_reachable.ts";
import { supervise } from "../../worker/supervisor.ts";
import type { CommandContext } from "../command_context.ts";
import { openReporter } from "../start/reporter.ts";
import { leftAfterDrain, queuesIn } from "../start/queues.ts";
import { whileSchedulesFire } from "../start/fire_schedules.ts";
import { StopRequests } from "../start/stop_requests.ts";
import { spawnWorker } from "../start/worker_child.ts";
import { detach } from "./start_detached.ts";

/**
 * Process 1 inherits the processes that jobs leave behind, but Deno reaps only its own children.
 */
const IS_INIT =
  "queuectl is process 1 here, so processes that jobs leave behind stay zombies when they end; " +
  "give the container an init process, as docker run --init does";

/** Runs jobs until stopped. @returns the exit code */
export async function startCommand(call: CommandContext): Promise<number> {
  const { flags } = call;
  const name = workerName(call);
  const queues = queuesIn(flags);
  // Before the store is opened: what the driver of a database loads listens to signals.
  const ignored = await ignoredSignals(["HUP", "INT"]);
  const store = await call.store().forWorkers();
  const settings = await (await store.settings()).load();
  await (await store.queues()).settings(); // no job is begun against what can't be read
  if (flags.has("detach")) return await detach(call, store);

  await (await store.maintenance()).afterReboot();
  const dead = await superviseUntilStopped(call, store, { name, queues, settings, ignored });
  if (flags.has("drain")) await sayWhatIsLeft(call, store, queues, dead);
  return 0;
}

interface StartPlan {
  /** The name of the workers; undefined: one is made for each. */
  readonly name: string | undefined;
  readonly queues: readonly string[] | undefined;
  readonly settings: Settings;
  readonly ignored: ReadonlySet<string>;
}

/**
 * Joins the store as a supervisor for as long as its workers run.
 *
 * @returns how many jobs died
 * @throws QueueError `unfinished` if no worker came up
 */
async function superviseUntilStopped(
  { context, flags }: CommandContext,
  store: Store,
  { name, queues, settings, ignored }: StartPlan,
): Promise<number> {
  const { report, close } = openReporter(context, () => settings.log_level);
  const lock = await (await store.workers()).joinAsSupervisor(Deno.pid);
  const requests = await store.openRequests();
  const who = { pid: Deno.pid, host: Deno.hostname(), startedAt: context.now() };
  await lock.announce(who);
  const stopOptions = { timeout: flags.number("timeout"), ignored, store: store.name };
  const asked = StopRequests.listen({ requests, lock, report, ...stopOptions });
  const { stopping, force } = asked;
  const host = await store.host();
  const count = flags.number("count") ?? settings.worker_count;
  const drain = flags.has("drain");
  const ended = new AbortController();
  const shared = { now: context.now, sleep: delay, report };
  const housekeeping = keepHouse({ ...oldJobsOf(store, lock.name), ...shared }, ended.signal);
  let dead = 0;
  const spawn = () => spawnWorker({ host, name, queues, drain, onDead: () => dead++ });
  const ready = () => {
    onceReachable(() => lock.announce({ ...who, ready: true }), ended.signal)
      .catch((error) => report({ kind: "warning", message: messageOf(error) }));
  };
  const work = () => supervise({ count, spawn, ready, ...shared }, stopping, force);
  try {
    report({ kind: "supervisor_started", workers: count, store: store.name });
    if (Deno.pid === 1) report({ kind: "warning", message: IS_INIT });
    if (!await whileSchedulesFire({ ...shared, store, drain, stopping }, work)) throw noWorker();
  } finally {
    await asked.close();
    ended.abort();
    await housekeeping;
    requests.close();
    await lock.leave();
    report({ kind: "supervisor_stopped" });
    await close();
  }
  return dead;
}

function noWorker(): QueueError {
  return new QueueError("unfinished", "Cannot run jobs: no worker came up", {
    hint: "See their messages above",
  });
}

/** The name given with --worker-name. @throws QueueError `usage` */
function workerName({ flags }: CommandContext): string | undefined {
  const name = flags.text("worker-name");
  if (name === undefined || isWorkerName(name)) return name;
  throw new QueueError(
    "usage",
    `Cannot call a worker "${name}": a name is 1 to 64 of A-Z a-z 0-9 . _ - and does not begin ` +
      "with . or -, nor with cli- or supervisor-, which are reserved",
  );
}

/** What the housekeeper needs from the store; `supervisor` is the name of this `start`. */
function oldJobsOf(store: Store, supervisor: string) {
  return {
    keepCompleted: async () => (await (await store.settings()).load()).keep_completed,
    isFirst: async () =>
      (await (await store.workers()).liveSupervisors()).every(({ name }) => name >= supervisor),
    openJobs: () => store.openJobs(() => {}), // workers report what can't be read
  };
}

/** After --drain: says which jobs were not waited for, and how many died. */
async function sayWhatIsLeft(
  call: CommandContext,
  store: Store,
  queues: readonly string[] | undefined,
  dead: number,
): Promise<void> {
  const blocked = await blockedIn(store);
  if (blocked > 0) {
    const waits = blocked === 1 ? "1 job waits" : `${blocked} jobs wait`;
    call.say(`${waits} for others that have not completed: queuectl list --state blocked`);
  }
  const left = await leftAfterDrain(store, queues);
  if (left !== undefined) call.say(left);
  if (dead > 0) call.say(`${pluralize(dead, "job")} died: queuectl dlq list`);
}

async function blockedIn(store: Store): Promise<number> {
  const reader = await store.openReader();
  try {
    return (await reader.count()).blocked;
  } finally {
    await reader.close();
  }
}
