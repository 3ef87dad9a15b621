// Cancels a job: a waiting one in the store; a running one by asking its worker, or directly if the
// worker has died.
import { QueueError } from "./errors.ts";
import type { Job } from "./job.ts";
import { cancel } from "./operations.ts";
import type { Requests } from "./requests.ts";
import type { SettingsReader } from "./settings_store.ts";
import { wakeHint, whoIs } from "./silent_processes.ts";
import type { JobStore } from "./store.ts";
import type { WorkerInfo, Workers } from "./workers.ts";

const POLL = 50;
/** Milliseconds beyond `kill_grace` that whoever runs a job has to end it. */
const BEYOND_GRACE = 15_000;

export interface CancelParts {
  readonly jobs: JobStore;
  readonly settings: () => Promise<SettingsReader>;
  readonly workers: () => Promise<Workers>;
  readonly openRequests: () => Promise<Requests>;
  /** Ends the job of a worker that has died: see `endOrphan`. */
  readonly endOrphan: (job: Job) => Promise<boolean>;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Told what a person who waits should know. */
  readonly say: (message: string) => void;
}

/**
 * Calls a job off, and returns when it is.
 * @throws QueueError `wrong_state`; `not_found`; `unfinished` if whoever runs it does not answer
 */
export async function cancelJob(parts: CancelParts, id: string): Promise<void> {
  const { jobs } = parts;
  for (let waited = false;;) {
    const job = await present(jobs, id);
    if (job.status.state === "processing") {
      await endOfRunning(parts, job);
      waited = true;
      continue;
    }
    if (waited && job.status.state === "cancelled") return;
    try {
      // Also one that has just ended by itself, and was to be retried.
      await cancel(jobs, id);
      return;
    } catch (error) {
      // A worker may have taken it a moment ago: then it is cancelled as a running one.
      if ((await present(jobs, id)).status.state !== "processing") throw error;
    }
  }
}

/**
 * Asks whoever runs the job to call it off, and waits until its attempt has ended.
 * @throws QueueError `unfinished` if it does not within its time
 */
async function endOfRunning(parts: CancelParts, job: Job): Promise<void> {
  const { jobs, endOrphan, sleep, say } = parts;
  const { kill_grace } = await (await parts.settings()).load();
  const limit = kill_grace * 1000 + BEYOND_GRACE;
  const [requests, workers] = [await parts.openRequests(), await parts.workers()];
  await requests.requestCancel(job.id);
  try {
    // Time is counted by our own steps: while the machine sleeps nobody can answer.
    let told = false;
    for (let waited = 0;; waited += POLL) {
      if ((await present(jobs, job.id)).status.state !== "processing") return;
      const living = await workers.live();
      if (waited >= limit) throw unanswered(job, living, Math.round(limit / 1000));
      if (living.length === 0) {
        if (await endOrphan(job)) return;
        if (!told) {
          say(
            `no worker is alive; job "${job.id}" is cancelled as soon as one is (queuectl start)`,
          );
        }
        told = true;
      }
      await sleep(POLL);
    }
  } finally {
    await requests.clearCancel(job.id);
    requests.close();
  }
}

function unanswered(job: Job, workers: readonly WorkerInfo[], seconds: number): QueueError {
  const name = job.status.state === "processing" ? job.status.running.worker : "";
  const worker = workers.find((worker) => worker.name === name);
  const who = worker === undefined ? name : whoIs(worker);
  return new QueueError(
    "unfinished",
    `Cannot cancel job "${job.id}": ${who}, which runs it, has not answered for ${seconds} s`,
    { hint: worker === undefined ? "queuectl stop --force ends its job" : wakeHint([worker]) },
  );
}

async function present(jobs: JobStore, id: string): Promise<Job> {
  const job = await jobs.get(id);
  if (job === undefined) throw new QueueError("not_found", `Job "${id}" was removed`);
  return job;
}
