// Restoring a backup on a server, as far as it does not matter how jobs are kept there.
import { QueueError } from "../../queue/errors.ts";
import type { Job } from "../../queue/job.ts";
import type { Progress } from "../../queue/operations.ts";
import { decode } from "../file/codec.ts";
import type { SavedQueue } from "../file/read_backup.ts";

/** The saved jobs, as they are put in place: after they were read once. */
export function* decodedJobs({ jobs }: SavedQueue, progress: Progress): Iterable<Job> {
  for (const [index, { id, text }] of jobs.entries()) {
    progress(jobs.length + index, jobs.length * 2);
    yield decode(text, id, id).job;
  }
}

/** Which attempt a saved log is of. */
export function attemptOf(log: string): number {
  return Number(/\.(\d+)\.log$/.exec(log)![1]);
}

export function workersRun(): QueueError {
  return new QueueError("refused", "Cannot restore while workers run; nothing was changed", {
    hint: "Stop them first: queuectl stop --all-hosts",
  });
}

/** What was not there when the user was asked. */
export function addedMeanwhile(): QueueError {
  return new QueueError(
    "refused",
    "Cannot restore: something was added to the queue meanwhile; nothing was changed",
    { hint: "To replace it, give --confirm" },
  );
}

export function mayStillRun(id: string, worker: string): QueueError {
  return new QueueError(
    "refused",
    `Cannot restore: job "${id}" may still run, although its worker ${worker} has died; ` +
      "nothing was changed",
    {
      hint: "End it first: queuectl stop --force, on its host; if that is gone, a queuectl start " +
        "anywhere settles it when the lease has run out",
    },
  );
}

/** Two jobs of a backup have the same unique key. */
export function sameKey({ id }: Job, holder: string): never {
  throw new QueueError(
    "damaged",
    `Cannot restore: jobs "${id}" and "${holder}" have the same key; nothing was changed`,
  );
}
