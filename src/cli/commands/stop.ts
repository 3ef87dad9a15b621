// queuectl stop: asks every supervisor and worker that lives to stop, and returns when all have, or
// says which do not answer. With --force it ends those by signals.
import { QueueError } from "../../queue/errors.ts";
import type { Requests, StopKind } from "../../queue/requests.ts";
import { isSupervisorName, type WorkerInfo, type Workers } from "../../queue/workers.ts";
import type { Store } from "../../stores/store.ts";
import { DEFAULT_SETTINGS } from "../../queue/settings.ts";
import { orphansAmong } from "../../queue/status.ts";
import { pluralize } from "../../view/pluralize.ts";
import type { CommandContext } from "../command_context.ts";
import { wakeHint, whoIs } from "../../queue/silent_processes.ts";

/** All in milliseconds. */
const POLL = 20;
/** A request is made again, since one that a new holder of the name cleared may have been ours. */
const ASK_AGAIN = 1000;
/** One that gives no sign of life for so long is not waited for. They come every 1.5 or 5 s. */
const SILENCE = 20_000;
/** With --force: when stopped processes are made to go on, … */
const WAKE = 2000;
/** … how much longer than `kill_grace` they have to end their jobs before they are killed, … */
const BEYOND_GRACE = 15_000;
/** … and how long the system may take for that. */
const DEATH = 5000;

/** Stops all. */
export async function stopCommand(call: CommandContext): Promise<void> {
  const { context, flags } = call;
  const store = call.store();
  const kind = flags.has("force") ? "force" : "graceful";
  const workers = await store.workers();
  const living = await workers.live();
  // Workers are asked by their supervisor; those that have none left are asked here as well.
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
  if (all.length > 0) call.say(`Stopped ${pluralize(living.length, "worker")}`);
  else if (orphans === undefined) call.say("Nothing runs here");
  if (orphans !== undefined) call.say(orphans);
}

/** Jobs of workers that died, with nobody to look after them: killed, or told of. */
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

/** One that was there when `stop` was called, and how long it has given no sign of life. */
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
      // Supervisors come first in the list: they shall start no worker anew.
      await workers.signal(names, "SIGKILL");
    }
    if (kind === "force" && waited >= killAt + DEATH) {
      throw new QueueError(
        "unfinished",
        `${listOf(left)} did not end, and can't be ended from here`,
        {
          hint: "Such as one of another container or user: end it there",
        },
      );
    }
    await parts.sleep(POLL);
  }
}

/**
 * Asks by requests or, where none can be written down, as on a full disk, by signals.
 * @param times how often they have been asked before
 */
async function ask(names: readonly string[], parts: WaitParts, times: number): Promise<void> {
  const { kind, workers, requests } = parts;
  try {
    for (const name of names) await requests.requestStop(name, kind);
  } catch (error) {
    if (error instanceof QueueError) throw error;
    // A worker that is signalled itself would be replaced. The second signal means force.
    const supervisors = names.filter(isSupervisorName);
    if (times < (kind === "force" ? 2 : 1)) {
      await workers.signal(supervisors.length > 0 ? supervisors : names, "SIGTERM");
    }
  }
}

/** Another that takes the name meanwhile, of a later `start`, is not waited for. */
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
  // What is not known yet may be later.
  if (now.pid !== 0) one.process = now;
  return true;
}

/** Those who give no sign of life, if they are all that is waited for: a supervisor waits too. */
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
