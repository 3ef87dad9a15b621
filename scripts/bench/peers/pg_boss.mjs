// pg-boss keeps the row of a job, and in it what the handler returns: the output.
import { setTimeout } from "node:timers/promises";
import { jobs, library, main, run, url } from "./peer.mjs";

const { PgBoss } = library("pg-boss");
const QUEUE = "shell";
/** Milliseconds without a new batch after which it looks whether all is done. */
const IDLE = 50;

const boss = new PgBoss({ connectionString: url, max: 2, useListenNotify: true });
await boss.start();

const waiting = async () => (await boss.findJobs(QUEUE, { queued: true })).length;

await main({
  async fill() {
    await boss.createQueue(QUEUE, { notify: true });
    await boss.insert(QUEUE, Array(jobs).fill({ data: { command: "true" } }));
  },
  async work() {
    let idleSince = performance.now();
    // Batches, without a pause between them; the ends of a batch are one statement.
    const options = { batchSize: jobs, perJobResults: true, burstWhenBatchFull: true };
    await boss.work(QUEUE, options, async (batch) => {
      idleSince = Infinity;
      const results = [];
      for (const { id, data } of batch) {
        results.push({ id, status: "completed", output: { output: await run(data.command) } });
      }
      idleSince = performance.now();
      return results;
    });
    const isIdle = () => performance.now() - idleSince > IDLE;
    do await setTimeout(IDLE); while (!isIdle() || await waiting() > 0);
    // Waits until the last batch is recorded.
    await boss.stop();
  },
  left: waiting,
});
