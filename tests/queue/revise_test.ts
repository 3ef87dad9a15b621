import { assert, assertEquals } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { type Job, JOB_STATES, type JobState } from "../../src/queue/job.ts";
import { removableOnceEnded, retriedOnceEnded, updated } from "../../src/queue/revise.ts";
import { cancelled, claimed, ended } from "../../src/queue/transitions.ts";
import { aJob, anEnding } from "../support/jobs.ts";

const NOW = 100_000;
const BY = { worker: "w", pid: 1, host: "box" };

function must(step: Job | QueueError): Job {
  if (step instanceof QueueError) throw step;
  return step;
}

const pending = aJob({ maxRetries: 0, createdAt: 1000 });
const processing = must(claimed(pending, BY, 2000));
const end = (outcome: "succeeded" | "failed", job: Job) =>
  must(ended(job, anEnding(outcome), { base: 2, max: 60 }, 3000));
const SAMPLES: Record<JobState, Job> = {
  pending,
  blocked: aJob({ createdAt: 1000, after: ["b"] }),
  processing,
  failed: end("failed", must(claimed(aJob({ createdAt: 1000 }), BY, 2000))),
  completed: end("succeeded", processing),
  dead: end("failed", processing),
  cancelled: must(cancelled(pending, 3000)),
};
const WAITING: readonly JobState[] = ["pending", "blocked", "failed"];
const ENDED: readonly JobState[] = ["completed", "dead", "cancelled"];

for (const state of JOB_STATES) {
  const job = SAMPLES[state];
  const name = state === "processing" ? "running" : state;

  Deno.test(`updated() ${WAITING.includes(state) ? "changes" : "refuses"} a ${state} job`, () => {
    const copy = structuredClone(job);
    const after = updated(job, { priority: 7, queue: "q", maxRetries: 9, timeout: 1.5 });
    assertEquals(job, copy, "nothing is changed in place");
    if (!WAITING.includes(state)) {
      assert(after instanceof QueueError && after.message.endsWith(`it is ${name}`), `${after}`);
      return;
    }
    assertEquals(after, { ...job, priority: 7, queue: "q", maxRetries: 9, timeout: 1.5 });
    const later = must(updated(job, { runAt: NOW }));
    assertEquals([later.runAt, later.status], [
      NOW,
      { ...job.status, runAt: NOW } as Job["status"],
    ]);
    assertEquals(updated(job, {}), job);
  });

  Deno.test(`retriedOnceEnded() ${ENDED.includes(state) ? "puts back" : "refuses"} a ${state} job`, () => {
    const after = retriedOnceEnded(job, NOW);
    if (!ENDED.includes(state)) {
      assert(after instanceof QueueError && after.message.endsWith(`it is ${name}`), `${after}`);
      return;
    }
    assertEquals(after, {
      ...job,
      countedFrom: job.history.length,
      status: { state: "pending", since: NOW, runAt: null },
    });
    const startBy = (time: number) =>
      must(retriedOnceEnded({ ...job, startBy: time }, NOW)).startBy;
    assertEquals([startBy(NOW), startBy(NOW + 1)], [null, NOW + 1]);
    assertEquals(must(retriedOnceEnded(job, 0)).status, {
      state: "pending",
      since: 3000,
      runAt: null,
    });
  });

  Deno.test(`removableOnceEnded() ${ENDED.includes(state) ? "allows" : "refuses"} a ${state} job`, () => {
    const refusal = removableOnceEnded(job);
    assertEquals(refusal === undefined, ENDED.includes(state));
  });
}

Deno.test("updated() refuses a time that is not before the one by which the job is to begin", () => {
  const hurried = aJob({ createdAt: 1000, startBy: 50_000 });
  assert(updated(hurried, { runAt: 50_000 }) instanceof QueueError);
  assertEquals(must(updated(hurried, { runAt: 49_999 })).runAt, 49_999);
  const begun = end("failed", must(claimed(hurried, BY, 2000)));
  assertEquals(must(updated(begun, { runAt: 50_001 })).runAt, 50_001);
});
