// BullMQ keeps the job, and in it what the handler returns: the output. The end of a job takes the
// next one in the same script; there are no batches.
import { jobs, library, main, run, url } from "./peer.mjs";

const { Queue, Worker } = library("bullmq");
const QUEUE = "shell";

// The URL has the path of a socket, and the prefix of the keys.
const { hostname, searchParams } = new URL(url);
const options = {
  connection: { path: decodeURIComponent(hostname), maxRetriesPerRequest: null },
  prefix: searchParams.get("prefix"),
};

await main({
  async fill() {
    const queue = new Queue(QUEUE, options);
    await queue.addBulk(Array(jobs).fill({ name: "shell", data: { command: "true" } }));
    await queue.close();
  },
  async work() {
    const worker = new Worker(QUEUE, ({ data }) => run(data.command), options);
    await new Promise((resolve) => worker.on("drained", resolve));
    await worker.close();
  },
  async left() {
    const states = ["waiting", "active", "delayed", "failed"];
    return await new Queue(QUEUE, options).getJobCountByTypes(...states);
  },
});
