// A client of the benchmark: claims jobs and finishes them as a worker does, but runs nothing.
// SERVER SECONDS; prints how many it has done.
import { claimOf } from "../../src/queue/job.ts";
import { ended } from "../../src/queue/transitions.ts";
import { Database } from "../../src/stores/postgres/connection.ts";
import { PostgresJobs } from "../../src/stores/postgres/jobs.ts";

const [server, seconds] = Deno.args;
const database = new Database({ name: "the server", server: JSON.parse(server!) });
const jobs = new PostgresJobs(database, { ahead: true });
const by = { worker: `w-${Deno.pid}`, pid: Deno.pid, host: "box" };
const ending = { outcome: "succeeded", exitCode: 0, signal: null, error: null } as const;
const backoff = { base: 2, max: 60 };

await database.query("select 1");
const end = performance.now() + Number(seconds) * 1000;
let done = 0;
for (; performance.now() < end; done++) {
  const job = await jobs.claim(by, Date.now());
  if (job === undefined) throw new Error("Too few jobs wait");
  await jobs.change(job.id, (job, now) => ended(job, ending, backoff, now), claimOf(job));
}
await jobs.close();
await database.close();
Deno.stdout.writeSync(new TextEncoder().encode(`${done}\n`));
