// queuectl job cancel: jobs that wait are called off in the store, running ones by their worker, or
// in its place if it has died.
import { QueueError } from "../../queue/errors.ts";
import { findJobs } from "../../queue/find_job.ts";
import type { Job } from "../../queue/job.ts";
import { cancel } from "../../queue/operations.ts";
import type { JobStore } from "../../queue/store.ts";
import type { CommandContext } from "../command_context.ts";

const POLL = 50;

/** Calls jobs off. @returns the exit code: 1 if one could not be */
export async function cancelCommand(call: CommandContext): Promise<number> {
  return await call.withStore(async (store, dataDir) => {
    const refused: QueueError[] = [];
    for (const { id } of await findJobs(store, call.args)) {
      try {
        await cancelOne(call, store, dataDir, id);
        call.print(`Cancelled ${id}\n`);
      } catch (error) {
        if (!(error instanceof QueueError)) throw error;
        refused.push(error);
      }
    }
    return call.report(refused);
  });
}

async function cancelOne(
  call: CommandContext,
  store: JobStore,
  dataDir: string,
  id: string,
): Promise<void> {
  for (let waited = false;;) {
    const job = await present(store, id);
    if (job.status.state === "processing") {
      await endOfRunning(call, store, dataDir, job);
      waited = true;
      continue;
    }
    if (waited && job.status.state === "cancelled") return;
    try {
      // Also one that has just ended by itself, and was to be retried.
      await cancel(store, id, call.context.now());
      return;
    } catch (error) {
      // A worker may have taken it a moment ago: then it is cancelled as a running one.
      if ((await present(store, id)).status.state !== "processing") throw error;
    }
  }
}

/** Asks whoever runs the job to call it off, and waits until its attempt has ended. */
async function endOfRunning(
  call: CommandContext,
  store: JobStore,
  dataDir: string,
  job: Job,
): Promise<void> {
  const { folder, sleep } = call.context;
  await folder.requestCancel(dataDir, job.id);
  try {
    for (
      let told = false;
      (await present(store, job.id)).status.state === "processing";
      await sleep(POLL)
    ) {
      if ((await folder.liveWorkers(dataDir)).length > 0) continue;
      if (await folder.endOrphan(dataDir, store, job, "cancelled")) return;
      if (told) continue;
      call.say(
        `queuectl: no worker is alive; job "${job.id}" is cancelled as soon as one is (queuectl start)`,
      );
      told = true;
    }
  } finally {
    await folder.clearCancel(dataDir, job.id);
  }
}

async function present(store: JobStore, id: string): Promise<Job> {
  const job = await store.get(id);
  if (job === undefined) throw new QueueError("not_found", `Job "${id}" was removed`);
  return job;
}
