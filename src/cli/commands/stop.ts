// queuectl stop: asks every live supervisor and worker to stop, and returns when all have stopped,
// or reports those that do not answer. With --force it ends those by signals.
import { QueueError } from "../../queue/errors.ts";
import type { Requests, StopKind } from "../../queue/requests.ts";
import { isSupervisorName, type WorkerInfo, type Workers } from "../../queue/workers.ts";
import type { Store } from "../../stores/store.ts";
import { DEFAULT_SETTINGS } from "../../queue/settings.ts";
import { orphansAmong } from "../../queue/status.ts";
import { pluralize } from "../../view/pluralize.ts";
import type { CommandContext } from "../command_context.ts";
import { wakeHint, whoIs } from "../../queue/silent_processes.ts";

/** All of these are milliseconds. */
const POLL = 20;
/** Requests are repeated: a new process with the same name may have cleared ours. */
const ASK_AGAIN = 1000;
/** A process without a sign of life for this long is not waited for. They come every 1.5 or 5 s. */
const SILENCE = 20_000;
/** With --force: when suspended processes are resumed (SIGCONT). */
const WAKE = 2000;
/**
 * How much longer than `kill_grace` processes may take to end their jobs before they are killed.
 */
const BEYOND_GRACE = 15_000;
/** How long the system may take to end a killed process. */
const DEATH = 5000;

/** Stops all supervisors and workers. */
export async function stopCommand(call: CommandContext): Promise<void> {
  const { context, flags } = call;
  const store = call.store();
  const kind = flags.has("force") ? "force" : "graceful";
  const workers = await store.workers();
  const living = await workers.live();
  // A worker is asked by its supervisor too, but its supervisor may be dead.
  const all = [...await workers.liveSupervisors(), ...living];
  if (all.length > 0 && kind === "graceful" && context.stderr.isTerminal) {
    call.say("Waiting for running jobs to end (--force kills them)");
  }
  const requests = await store.openRequests();
  try {
    const graceMs = await killGrace(store);
    await waitForEnd(all, { kind, graceMs, workers, requests, sleep: context.sleep });
  } finally {
    requests.close();
  }
  const orphans = await orphansText(call, kind === "force");
  const stopped = living.filter(({ rescued }) => rescued !== true);
  if (all.length > 0) call.say(`Stopped ${pluralize(stopped.length, "worker")}`);
  else if (orphans === undefined) call.say("No workers are running");
  if (orphans !== undefined) call.say(orphans);
}

/**
 * Kills the running jobs of dead workers if `kill` is true.
 * @returns what to tell the user of them
 */
async function orphansText(call: CommandContext, kill: boolean): Promise<string | undefined> {
  const { context } = call;
  return await call.withJobs(async (jobs, store) => {
    const orphans = await orphansAmong(jobs, await (await store.workers()).live());
    if (orphans.length === 0) return undefined;
    if (!kill) {
      const [run, them] = orphans.length === 1 ? ["runs", "it"] : ["run", "them"];
      return `${
        pluralize(orphans.length, "job")
      } without a worker still ${run} (--force kills ${them})`;
    }
    let killed = 0;
    for (const job of orphans) {
      if (await context.endOrphan(store, jobs, job, "released")) killed++;
    }
    return `Killed ${pluralize(killed, "job")} that had no worker`;
  });
}

/** A process that lived when `stop` was called, and for how long it has given no sign of life. */
interface Awaited {
  process: WorkerInfo;
  silence: number;
}

interface WaitParts {
  readonly kind: StopKind;
  /** `kill_grace`, in milliseconds. */
  readonly graceMs: number;
  readonly workers: Workers;
  readonly requests: Requests;
  sleep(milliseconds: number): Promise<void>;
}

/**
 * Asks all to stop and waits until they have.
 * @throws QueueError `unfinished` if some do not answer
 */
async function waitForEnd(all: readonly WorkerInfo[], parts: WaitParts): Promise<void> {
  const { kind, workers } = parts;
  const killAt = parts.graceMs + BEYOND_GRACE;
  let left: Awaited[] = all.map((process) => ({ process, silence: 0 }));
  // Time is counted by our own steps: while the machine sleeps nobody can answer.
  for (let waited = 0;; waited += POLL) {
    const there: Awaited[] = [];
    for (const one of left) if (await isThere(one, parts)) there.push(one);
    left = there;
    if (left.length === 0) return;
    const names = left.map(({ process }) => process.name);
    if (waited % ASK_AGAIN === 0) await ask(names, parts, waited / ASK_AGAIN);
    const stuck = kind === "graceful" ? stuckAmong(left) : [];
    if (stuck.length > 0) throw silent(stuck);
    if (kind === "force" && waited === WAKE) await workers.signal(names, "SIGCONT");
    if (kind === "force" && waited >= killAt && waited % 1000 === 0) {
      // Supervisors come first in the list, so that they start no new workers.
      await workers.signal(names, "SIGKILL");
    }
    if (kind === "force" && waited >= killAt + DEATH) {
      throw new QueueError(
        "unfinished",
        `Cannot end ${listOf(left)} from here`,
        {
          hint: "It may belong to another container or user; end it there",
        },
      );
    }
    await parts.sleep(POLL);
  }
}

/**
 * Asks by requests. If none can be written, as on a full disk, by signals.
 *
 * @param times how often they have been asked already
 */
async function ask(names: readonly string[], parts: WaitParts, times: number): Promise<void> {
  const { kind, workers, requests } = parts;
  try {
    for (const name of names) await requests.requestStop(name, kind);
  } catch (error) {
    if (error instanceof QueueError) throw error;
    // Only supervisors are signalled, since they replace a worker that ends. A second signal means
    // force.
    const supervisors = names.filter(isSupervisorName);
    if (times < (kind === "force" ? 2 : 1)) {
      await workers.signal(supervisors.length > 0 ? supervisors : names, "SIGTERM");
    }
  }
}

/**
 * Whether that process still lives. A process of a later `start` with the same name is not waited
 * for.
 */
async function isThere(one: Awaited, { workers, requests }: WaitParts): Promise<boolean> {
  const { name, pid, startedAt, lastSeenAt } = one.process;
  const now = await workers.find(name);
  if (now === undefined) {
    await requests.clearStop(name);
    return false;
  }
  const isKnown = pid !== 0 && now.pid !== 0;
  if (isKnown && (now.pid !== pid || now.startedAt !== startedAt)) return false;
  one.silence = now.lastSeenAt === lastSeenAt ? one.silence + POLL : 0;
  // Its record may not have been readable before.
  if (now.pid !== 0) one.process = now;
  return true;
}

/**
 * The processes without a sign of life, if no worker that gives one is waited for. Supervisors
 * don't count as long as workers are left, since they wait for their workers.
 */
function stuckAmong(left: readonly Awaited[]): Awaited[] {
  const isSilent = ({ silence }: Awaited) => silence >= SILENCE;
  const workers = left.filter(({ process }) => !isSupervisorName(process.name));
  return (workers.length > 0 ? workers : left).every(isSilent) ? left.filter(isSilent) : [];
}

function silent(stuck: readonly Awaited[]): QueueError {
  return new QueueError(
    "unfinished",
    `Cannot wait for ${listOf(stuck)}: no sign of life for ${SILENCE / 1000} s`,
    { hint: wakeHint(stuck.map(({ process }) => process)) },
  );
}

function listOf(left: readonly Awaited[]): string {
  return left.map(({ process }) => whoIs(process)).join(", ");
}

async function killGrace(store: Store): Promise<number> {
  const settings = await (await store.settings()).load().catch(() => DEFAULT_SETTINGS);
  return settings.kill_grace * 1000;
}
