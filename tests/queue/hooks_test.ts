import { assert, assertEquals } from "@std/assert";
import { hookFor } from "../../src/queue/hooks.ts";
import { isJobId, type Job, type JobRequest } from "../../src/queue/job.ts";
import type { Ending, Outcome } from "../../src/queue/outcome.ts";
import { DEFAULT_SETTINGS } from "../../src/queue/settings.ts";
import { claimed, ended } from "../../src/queue/transitions.ts";
import { aJob, anEnding } from "../support/jobs.ts";

const NOW = Date.UTC(2030, 0, 1);
const SETTINGS = { ...DEFAULT_SETTINGS, on_completed: "notify", on_dead: "alarm", job_timeout: 7 };

function endedJob(outcome: Outcome, values: Partial<JobRequest> = {}, more: Partial<Ending> = {}) {
  const job = aJob({ maxRetries: 0, createdAt: NOW - 5000, ...values });
  const running = claimed(job, { worker: "w", pid: 1, host: "box" }, NOW - 3000) as Job;
  return ended(running, { ...anEnding(outcome), ...more }, { base: 2, max: 60 }, NOW) as Job;
}

Deno.test("hookFor() makes a job of queue hooks that knows which job has ended, and how", () => {
  const job = endedJob("failed", { id: "nightly", queue: "q", command: "make" }, { exitCode: 3 });
  const hook = hookFor(job, SETTINGS, NOW + 1)!;
  const { id, command, cwd, queue, env, maxRetries, timeout, createdAt, status } = hook;
  assertEquals(
    { id, command, cwd, queue, maxRetries, timeout, createdAt, state: status.state },
    {
      id: `hook-nightly-1-${(NOW - 3000).toString(36)}`,
      command: "alarm",
      cwd: "/",
      queue: "hooks",
      maxRetries: 3,
      timeout: 7,
      createdAt: NOW + 1,
      state: "pending",
    },
  );
  assertEquals(env, {
    QUEUECTL_HOOK_JOB_ID: "nightly",
    QUEUECTL_HOOK_STATE: "dead",
    QUEUECTL_HOOK_COMMAND: "make",
    QUEUECTL_HOOK_QUEUE: "q",
    QUEUECTL_HOOK_ATTEMPTS: "1",
    QUEUECTL_HOOK_EXIT_CODE: "3",
  });
  assertEquals(hookFor(endedJob("succeeded"), SETTINGS, NOW)?.command, "notify");
  const vanished = hookFor(endedJob("lost"), SETTINGS, NOW);
  assertEquals(vanished?.env["QUEUECTL_HOOK_EXIT_CODE"], "");
});

Deno.test("hookFor() makes none where none is wanted, or nothing has ended for good", () => {
  assertEquals(hookFor(endedJob("succeeded"), DEFAULT_SETTINGS, NOW), undefined);
  assertEquals(hookFor(endedJob("succeeded", { queue: "hooks" }), SETTINGS, NOW), undefined);
  assertEquals(hookFor(endedJob("failed", { maxRetries: 1 }), SETTINGS, NOW), undefined);
  for (const outcome of ["cancelled", "released"] as const) {
    assertEquals(hookFor(endedJob(outcome), SETTINGS, NOW), undefined);
  }
});

Deno.test("hookFor() gives the same end the same id, and no other end, however long the job's id", () => {
  const long = "x".repeat(127);
  const jobs = ["a", `${long}a`, `${long}b`].map((id) => endedJob("succeeded", { id }));
  const ids = jobs.map((job) => hookFor(job, SETTINGS, NOW)!.id);
  assertEquals(new Set(ids).size, 3);
  for (const id of ids) assert(isJobId(id), id);
  assertEquals(hookFor(jobs[1]!, SETTINGS, NOW + 99)!.id, ids[1]);
  const command = hookFor(endedJob("failed", { command: "é".repeat(1e6) }), SETTINGS, NOW)!
    .env["QUEUECTL_HOOK_COMMAND"]!;
  assert(new TextEncoder().encode(command).length < 128 * 1024);
});
