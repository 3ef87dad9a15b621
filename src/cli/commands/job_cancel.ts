// queuectl job cancel: jobs that wait are called off in the store, running ones by their worker.
import { QueueError } from "../../queue/errors.ts";
import { findJobs } from "../../queue/find_job.ts";
import type { Job } from "../../queue/job.ts";
import { cancel } from "../../queue/operations.ts";
import type { JobStore } from "../../queue/store.ts";
import type { Call } from "../call.ts";

const POLL = 50;

/** Calls jobs off. @returns the exit code: 1 if one could not be */
export async function cancelCommand(call: Call): Promise<number> {
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

async function cancelOne(call: Call, store: JobStore, dataDir: string, id: string): Promise<void> {
  const { context } = call;
  for (;;) {
    const job = await store.get(id);
    if (job === undefined) throw new QueueError("not_found", `Job "${id}" was removed`);
    if (job.status.state === "processing") {
      const after = await cancelRunning(call, store, dataDir, job);
      if (after.status.state === "cancelled") return;
      throw new QueueError(
        "wrong_state",
        `Cannot cancel job "${id}": it has just ended, and is ${after.status.state}`,
      );
    }
    try {
      await cancel(store, id, context.now());
      return;
    } catch (error) {
      // A worker may have taken it a moment ago: then it is cancelled as a running one.
      const { state } = (await store.get(id))?.status ?? {};
      if (state !== "processing") throw error;
    }
  }
}

async function cancelRunning(call: Call, store: JobStore, dataDir: string, job: Job): Promise<Job> {
  const { context } = call;
  await context.folder.requestCancel(dataDir, job.id);
  let told = false;
  for (;;) {
    const now = await store.get(job.id);
    if (now === undefined) throw new QueueError("not_found", `Job "${job.id}" was removed`);
    if (now.status.state !== "processing") return now;
    if (!told && (await context.folder.liveWorkers(dataDir)).length === 0) {
      call.say(
        `queuectl: no worker is alive; job "${job.id}" is cancelled as soon as one is (queuectl start)`,
      );
      told = true;
    }
    await context.sleep(POLL);
  }
}
