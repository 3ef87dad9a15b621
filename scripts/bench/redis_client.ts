// A client of the benchmark: claims jobs and finishes them as a worker does, but runs nothing.
// SOCKET SECONDS; prints how many it has done.
import { claimOf } from "../../src/queue/job.ts";
import { ended } from "../../src/queue/transitions.ts";
import { Redis } from "../../src/stores/redis/connection.ts";
import { RedisJobs } from "../../src/stores/redis/jobs.ts";

const [host, seconds] = Deno.args;
const redis = new Redis({
  name: "the server",
  address: { host: host!, port: 0 },
  prefix: "queuectl",
});
const jobs = new RedisJobs(redis, { ahead: true });
const by = { worker: `w-${Deno.pid}`, pid: Deno.pid, host: "box" };
const ending = { outcome: "succeeded", exitCode: 0, signal: null, error: null } as const;
const backoff = { base: 2, max: 60 };

await redis.info();
const end = performance.now() + Number(seconds) * 1000;
let done = 0;
for (; performance.now() < end; done++) {
  const job = await jobs.claim(by, Date.now());
  if (job === undefined) throw new Error("Too few jobs wait");
  await jobs.change(job.id, (job, now) => ended(job, ending, backoff, now), claimOf(job));
}
await jobs.close();
await redis.close();
Deno.stdout.writeSync(new TextEncoder().encode(`${done}\n`));
