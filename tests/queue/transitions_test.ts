import { assert, assertEquals } from "@std/assert";
import { QueueError } from "../../src/queue/errors.ts";
import { type Job, JOB_STATES, type JobState } from "../../src/queue/job.ts";
import type { Ending, Outcome } from "../../src/queue/outcome.ts";
import {
  cancelled,
  claimed,
  ended,
  removableByCleanup,
  removableFromDlq,
  retried,
  type Transition,
  unblocked,
  unclaimed,
  waitingStatus,
} from "../../src/queue/transitions.ts";
import { aJob } from "../support/jobs.ts";

const NOW = 100_000;
const BY = { worker: "w", pid: 1, host: "box" };
const BACKOFF = { base: 2, max: 3600 };

function must(step: Job | QueueError): Job {
  if (step instanceof QueueError) throw step;
  return step;
}

const ending = (outcome: Outcome): Ending => ({
  outcome,
  exitCode: null,
  signal: null,
  error: null,
});
const end = (outcome: Outcome): Transition => (job) => ended(job, ending(outcome), BACKOFF, NOW);

const pending = aJob({ maxRetries: 1, createdAt: 1000 });
const processing = must(claimed(pending, BY, 2000));
const failed = must(ended(processing, ending("failed"), BACKOFF, 3000));
const SAMPLES: Record<JobState, Job> = {
  pending,
  blocked: aJob({ maxRetries: 1, createdAt: 1000, after: ["b"] }),
  processing,
  failed,
  completed: must(ended(processing, ending("succeeded"), BACKOFF, 3000)),
  dead: must(ended(must(claimed(failed, BY, 6000)), ending("failed"), BACKOFF, 7000)),
  cancelled: must(cancelled(pending, 3000)),
};

const EVENTS: Record<string, Transition> = {
  claimed: (job) => claimed(job, BY, NOW),
  unclaimed,
  unblocked: (job) => unblocked(job, NOW),
  cancelled: (job) => cancelled(job, NOW),
  retried: (job) => retried(job, NOW),
  succeeded: end("succeeded"),
  failed: end("failed"),
  timed_out: end("timed_out"),
  lost: end("lost"),
  "cancelled by its worker": end("cancelled"),
  released: end("released"),
};

// What each event makes of each state; a state that is not named refuses it.
const TABLE: Record<keyof typeof EVENTS, Partial<Record<JobState, JobState>>> = {
  claimed: { pending: "processing", failed: "processing" },
  unclaimed: { processing: "pending" },
  unblocked: { blocked: "pending" },
  cancelled: { pending: "cancelled", blocked: "cancelled", failed: "cancelled" },
  retried: { dead: "pending" },
  succeeded: { processing: "completed" },
  failed: { processing: "failed" },
  timed_out: { processing: "failed" },
  lost: { processing: "failed" },
  "cancelled by its worker": { processing: "cancelled" },
  released: { processing: "pending" },
};

for (const [name, event] of Object.entries(EVENTS)) {
  for (const state of JOB_STATES) {
    const expected = TABLE[name]![state];
    Deno.test(`transitions: ${name} makes a ${state} job ${expected ?? "stay, and is refused"}`, () => {
      const before = SAMPLES[state];
      const copy = structuredClone(before);
      const step = event(before, NOW);
      assertEquals(before, copy, "an event changes nothing in place");
      if (expected === undefined) {
        assert(step instanceof QueueError);
        assertEquals(step.code, "wrong_state");
        assert(step.message.includes(state === "processing" ? "running" : state), step.message);
      } else {
        assertEquals(must(step).status.state, expected);
        assertEquals(must(step).id, before.id);
      }
    });
  }
}

Deno.test("transitions: the samples are in the states that they stand for", () => {
  for (const state of JOB_STATES) assertEquals(SAMPLES[state].status.state, state);
});

Deno.test("ended() adds one attempt to the history and schedules the retry", () => {
  assertEquals(failed.history.length, 1);
  assertEquals(failed.history[0]?.attempt, 1);
  assertEquals(failed.status, { state: "failed", since: 3000, runAt: 5000 });
  assertEquals(SAMPLES.dead.history.map(({ attempt }) => attempt), [1, 2]);
});

Deno.test("ended() retries a lost run at once, and a released one without counting it", () => {
  const lost = must(end("lost")(processing, NOW));
  assertEquals(lost.status, { state: "failed", since: NOW, runAt: NOW });
  let job = processing;
  for (let i = 0; i < 5; i++) job = must(claimed(must(end("released")(job, NOW)), BY, NOW));
  assertEquals(must(end("failed")(job, NOW)).status.state, "failed");
});

Deno.test("ended() knows no negative duration when the clock was set back", () => {
  const job = must(ended(processing, ending("succeeded"), BACKOFF, 10));
  assertEquals(job.history[0]?.endedAt, 2000);
});

Deno.test("retried() gives all retries again and keeps the history", () => {
  const job = must(retried(SAMPLES.dead, NOW));
  assertEquals([job.history.length, job.countedFrom], [2, 2]);
  assertEquals(must(end("failed")(must(claimed(job, BY, NOW)), NOW)).status.state, "failed");
});

Deno.test("created() blocks a job that is to wait for others, and no other", () => {
  const { status } = aJob({ createdAt: 1000, afterAny: ["b"], runAt: 9000 });
  assertEquals(status, { state: "blocked", since: 1000, runAt: 9000, met: [] });
  assertEquals(aJob({ queue: "q", group: "g" }).status.state, "pending");
});

Deno.test("unblocked() keeps the time of a job, and else lets it take its turn from then", () => {
  const later = must(unblocked(aJob({ createdAt: 1000, after: ["b"], runAt: 9000 }), 2000));
  assertEquals(later.status, { state: "pending", since: 2000, runAt: 9000 });
  const early = must(unblocked(SAMPLES.blocked, 10)); // the clock was set back
  assertEquals(early.status, { state: "pending", since: 1000, runAt: null });
  assertEquals(early.after, ["b"]);
});

Deno.test("cancelled() says why, if it is told", () => {
  const { status } = must(cancelled(SAMPLES.blocked, 3000, "expired"));
  assertEquals(status, { state: "cancelled", since: 3000, reason: "expired" });
  assertEquals(SAMPLES.cancelled.status, { state: "cancelled", since: 3000, reason: null });
  const stopped = must(end("cancelled")(processing, NOW));
  assertEquals(stopped.status, { state: "cancelled", since: NOW, reason: null });
});

Deno.test("claimed() keeps who runs it, and ended() with it", () => {
  const running = processing.status.state === "processing" ? processing.status.running : undefined;
  assertEquals([running?.worker, running?.host, running?.pid], ["w", "box", 1]);
  assertEquals(failed.history.map(({ host }) => host), ["box"]);
});

Deno.test("unclaimed() gives a job back as it was, its turn included", () => {
  assertEquals(must(unclaimed(must(claimed(failed, BY, NOW)))), failed);
});

Deno.test("removableFromDlq() allows dead jobs, removableByCleanup() completed and cancelled ones that ended before", () => {
  for (const state of JOB_STATES) {
    const job = SAMPLES[state];
    assertEquals(removableFromDlq(job) === undefined, state === "dead", state);
    const done = state === "completed" || state === "cancelled";
    assertEquals(removableByCleanup(job, 3001) === undefined, done, state);
    assert(removableByCleanup(job, 3000) instanceof QueueError);
  }
});

Deno.test("waitingStatus() is the status in which a job waits, or waited before its claim", () => {
  assertEquals(waitingStatus(pending), pending.status);
  assertEquals(waitingStatus(processing), pending.status);
  assertEquals(waitingStatus(failed)?.state, "failed");
  assertEquals(waitingStatus(SAMPLES.dead), undefined);
  assertEquals(waitingStatus(SAMPLES.blocked), undefined);
});
