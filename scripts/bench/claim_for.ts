// What a client of the benchmark does on any store: claims jobs and finishes them as a worker does, but
// runs nothing.
import { claimOf } from "../../src/queue/job.ts";
import type { JobStore } from "../../src/queue/store.ts";
import { ended } from "../../src/queue/transitions.ts";

const ENDING = { outcome: "succeeded", exitCode: 0, signal: null, error: null } as const;
const BACKOFF = { base: 2, max: 60 };

/** Does so for so many seconds, and prints how many jobs it has done. */
export async function claimFor(jobs: JobStore, seconds: number): Promise<void> {
  const by = { worker: `w-${Deno.pid}`, pid: Deno.pid, host: "box" };
  const end = performance.now() + seconds * 1000;
  let done = 0;
  for (; performance.now() < end; done++) {
    const job = await jobs.claim(by, Date.now());
    if (job === undefined) throw new Error("Too few jobs wait");
    await jobs.change(job.id, (job, now) => ended(job, ENDING, BACKOFF, now), claimOf(job));
  }
  await jobs.close();
  Deno.stdout.writeSync(new TextEncoder().encode(`${done}\n`));
}
