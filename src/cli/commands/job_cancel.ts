// queuectl job cancel: waiting jobs are cancelled in the store. Running jobs are cancelled by their
// worker, or by this command if the worker has died.
import { QueueError } from "../../queue/errors.ts";
import { hasEnded, type Job } from "../../queue/job.ts";
import { cancel } from "../../queue/operations.ts";
import type { JobStore } from "../../queue/store.ts";
import type { WorkerInfo } from "../../queue/workers.ts";
import type { Store } from "../../stores/store.ts";
import { chosenJobs } from "../chosen_jobs.ts";
import type { CommandContext } from "../command_context.ts";
import { wakeHint, whoIs } from "../silent_processes.ts";

const POLL = 50;
/** How many milliseconds longer than `kill_grace` a worker may take to end a job. */
const BEYOND_GRACE = 15_000;

/**
 * Cancels jobs.
 * @returns the exit code: 1 if one could not be cancelled
 */
export async function cancelCommand(call: CommandContext): Promise<number> {
  return await call.withJobs(async (jobs, store) => {
    const refused: QueueError[] = [];
    const chosen = await chosenJobs(call, jobs);
    const group = call.flags.text("group");
    for (const { id } of group === undefined ? chosen : unendedFirst(chosen, group)) {
      try {
        await cancelOne(call, jobs, store, id);
        call.print(`Cancelled ${id}\n`);
      } catch (error) {
        if (!(error instanceof QueueError)) throw error;
        // Of a group, one that has ended by itself meanwhile needs no calling off; nor does one
        // that waited for another of them, and was cancelled with it.
        const now = group === undefined ? undefined : await jobs.get(id);
        if (now?.status.state === "cancelled") call.print(`Cancelled ${id}\n`);
        else if (now === undefined || !hasEnded(now)) refused.push(error);
      }
    }
    return call.report(refused);
  });
}

/**
 * The jobs of a group that have not ended. The running ones come last: ending them takes time, and
 * meanwhile waiting ones would begin.
 */
function unendedFirst(jobs: readonly Job[], group: string): Job[] {
  const left = jobs.filter((job) => !hasEnded(job));
  if (left.length === 0) {
    throw new QueueError("refused", `All jobs of the group "${group}" have ended already`);
  }
  const runs = ({ status }: Job) => status.state === "processing";
  return [...left.filter((job) => !runs(job)), ...left.filter(runs)];
}

async function cancelOne(
  call: CommandContext,
  jobs: JobStore,
  store: Store,
  id: string,
): Promise<void> {
  for (let waited = false;;) {
    const job = await present(jobs, id);
    if (job.status.state === "processing") {
      await endOfRunning(call, jobs, store, job);
      waited = true;
      continue;
    }
    if (waited && job.status.state === "cancelled") return;
    try {
      // This also cancels a job that has just failed and waits for a retry.
      await cancel(jobs, id);
      return;
    } catch (error) {
      // A worker may have taken it a moment ago. Then it is cancelled as a running job.
      if ((await present(jobs, id)).status.state !== "processing") throw error;
    }
  }
}

/**
 * Asks the worker of a job to cancel it, and waits until the attempt has ended.
 *
 * @throws QueueError `unfinished` if it has not ended in time
 */
async function endOfRunning(
  call: CommandContext,
  jobs: JobStore,
  store: Store,
  job: Job,
): Promise<void> {
  const { endOrphan, sleep } = call.context;
  const { kill_grace } = await (await store.settings()).load();
  const limit = kill_grace * 1000 + BEYOND_GRACE;
  const [requests, workers] = [await store.openRequests(), await store.workers()];
  await requests.requestCancel(job.id);
  try {
    // Time is counted in steps of this loop: nobody can answer while the machine sleeps.
    let told = false;
    for (let waited = 0;; waited += POLL) {
      if ((await present(jobs, job.id)).status.state !== "processing") return;
      const living = await workers.live();
      if (waited >= limit) throw unanswered(job, living, Math.round(limit / 1000));
      if (living.length === 0) {
        if (await endOrphan(store, jobs, job, "cancelled")) return;
        if (!told) {
          call.say(
            `queuectl: no worker is alive; job "${job.id}" is cancelled as soon as one is ` +
              "(queuectl start)",
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
