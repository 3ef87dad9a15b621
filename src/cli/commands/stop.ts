// queuectl stop: asks every supervisor and worker that lives to stop, and returns when all have, or
// says which do not answer. With --force it ends those by signals.
import { loadSettings } from "../../config/load.ts";
import { QueueError } from "../../queue/errors.ts";
import { clearStop, requestStop, type StopKind } from "../../worker/control.ts";
import { orphansAmong } from "../../worker/orphans.ts";
import {
  bearerOf,
  liveSupervisors,
  liveWorkers,
  type WorkerInfo,
} from "../../worker/worker_lock.ts";
import { pluralize } from "../../view/pluralize.ts";
import type { CommandContext } from "../command_context.ts";

/** All in milliseconds. */
const POLL = 20;
/** A request is made again, since one that a new bearer of the name cleared may have been ours. */
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
  const { files } = context;
  const dataDir = call.dataDir();
  if (files.info(`${dataDir}/workers`) === undefined) return call.say("Nothing runs here");
  const kind = flags.has("force") ? "force" : "graceful";
  const workers = liveWorkers(files, dataDir);
  // Workers are asked by their supervisor; those that have none left are asked here as well.
  const all = [...liveSupervisors(files, dataDir), ...workers];
  if (all.length > 0 && kind === "graceful" && context.stderr.isTerminal) {
    call.say("Waiting for running jobs to end (--force kills them)");
  }
  await waitForEnd(call, dataDir, all, kind);
  const orphans = await orphansText(call, kind === "force");
  if (all.length > 0) call.say(`Stopped ${pluralize(workers.length, "worker")}`);
  else if (orphans === undefined) call.say("Nothing runs here");
  if (orphans !== undefined) call.say(orphans);
}

/** Jobs of workers that died, with nobody to look after them: killed, or told of. */
async function orphansText(call: CommandContext, kill: boolean): Promise<string | undefined> {
  const { context } = call;
  return await call.withStore(async (store, dataDir) => {
    const living = (await context.folder.liveWorkers(dataDir)).map(({ name }) => name);
    const orphans = await orphansAmong(store, living);
    if (orphans.length === 0) return undefined;
    if (!kill) {
      const [run, them] = orphans.length === 1 ? ["runs", "it"] : ["run", "them"];
      return `${
        pluralize(orphans.length, "job")
      } without a worker still ${run} (--force kills ${them})`;
    }
    let killed = 0;
    for (const job of orphans) {
      if (await context.folder.endOrphan(dataDir, store, job, "released")) killed++;
    }
    return `Killed ${pluralize(killed, "job")} that had no worker`;
  });
}

/** One that was there when `stop` was called, and how long it has given no sign of life. */
interface Awaited {
  bearer: WorkerInfo;
  silence: number;
}

/**
 * Asks all to stop and waits until they have.
 * @throws QueueError `unfinished` if some do not answer
 */
async function waitForEnd(
  call: CommandContext,
  dataDir: string,
  all: readonly WorkerInfo[],
  kind: StopKind,
): Promise<void> {
  const { files, sleep, folder } = call.context;
  const killAt = graceOf(call, dataDir) + BEYOND_GRACE;
  let left: Awaited[] = all.map((bearer) => ({ bearer, silence: 0 }));
  // Time is counted by our own steps: while the machine sleeps nobody can answer.
  for (let waited = 0;; waited += POLL) {
    left = left.filter((one) => isThere(files, dataDir, one));
    if (left.length === 0) return;
    const names = left.map(({ bearer }) => bearer.name);
    if (waited % ASK_AGAIN === 0) {
      for (const name of names) requestStop(files, dataDir, name, kind);
    }
    const stuck = kind === "graceful" ? stuckAmong(left) : [];
    if (stuck.length > 0) throw silent(stuck);
    if (kind === "force" && waited === WAKE) await folder.signal(dataDir, names, "SIGCONT");
    if (kind === "force" && waited >= killAt && waited % 1000 === 0) {
      // Supervisors come first in the list: they shall start no worker anew.
      await folder.signal(dataDir, names, "SIGKILL");
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
    await sleep(POLL);
  }
}

/** Another that takes the name meanwhile, of a later `start`, is not waited for. */
function isThere(
  files: CommandContext["context"]["files"],
  dataDir: string,
  one: Awaited,
): boolean {
  const { name, pid, startedAt, lastSeenAt } = one.bearer;
  const now = bearerOf(files, dataDir, name);
  if (now === undefined) {
    clearStop(files, dataDir, name);
    return false;
  }
  const isKnown = pid !== 0 && now.pid !== 0;
  if (isKnown && (now.pid !== pid || now.startedAt !== startedAt)) return false;
  one.silence = now.lastSeenAt === lastSeenAt ? one.silence + POLL : 0;
  // What is not known yet may be later.
  if (now.pid !== 0) one.bearer = now;
  return true;
}

/** Those who give no sign of life, if they are all that is waited for: a supervisor waits too. */
function stuckAmong(left: readonly Awaited[]): Awaited[] {
  const isSilent = ({ silence }: Awaited) => silence >= SILENCE;
  const workers = left.filter(({ bearer }) => !bearer.name.startsWith("supervisor-"));
  return (workers.length > 0 ? workers : left).every(isSilent) ? left.filter(isSilent) : [];
}

function silent(stuck: readonly Awaited[]): QueueError {
  const pids = stuck.map(({ bearer }) => bearer.pid).filter((pid) => pid !== 0).join(" ");
  return new QueueError(
    "unfinished",
    `Cannot wait for ${listOf(stuck)}: no sign of life for ${SILENCE / 1000} s`,
    {
      hint:
        `Has somebody stopped it? kill -CONT ${pids} lets it go on; queuectl stop --force ends it`,
    },
  );
}

function listOf(left: readonly Awaited[]): string {
  return left.map(({ bearer: { name, pid, host } }) =>
    pid === 0 ? name : `${name} (process ${pid} on ${host})`
  ).join(", ");
}

function graceOf(call: CommandContext, dataDir: string): number {
  try {
    return loadSettings(dataDir, call.context.files).kill_grace * 1000;
  } catch {
    return 5000; // the configuration is damaged: its default
  }
}
