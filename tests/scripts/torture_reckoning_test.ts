// That the torture's reckoning finds each promise broken: jobs' notes are made to say so.
import { assertEquals, assertMatch } from "@std/assert";
import type { Job, Status } from "../../src/queue/job.ts";
import type { Attempt, Outcome } from "../../src/queue/outcome.ts";
import { uptime } from "../../scripts/torture/ledger.ts";
import type { Order } from "../../scripts/torture/orders.ts";
import { checkCalledOff } from "../../scripts/torture/reckoning/called_off.ts";
import { checkDependencies } from "../../scripts/torture/reckoning/dependencies.ts";
import { Facts } from "../../scripts/torture/reckoning/facts.ts";
import { checkHooks } from "../../scripts/torture/reckoning/hooks.ts";
import { checkKeys } from "../../scripts/torture/reckoning/keys.ts";
import { checkQueues } from "../../scripts/torture/reckoning/queues.ts";
import { checkRevisions } from "../../scripts/torture/reckoning/revisions.ts";
import { checkSchedules } from "../../scripts/torture/reckoning/schedules.ts";
import { idOf, type Story } from "../../scripts/torture/schedule_log.ts";
import { Scene } from "../../scripts/torture/scene.ts";
import { aJob } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

const ignore = Deno.build.os !== "linux";

/** What a test lays out before the reckoning. */
class Stage {
  readonly scene: Scene;
  readonly jobs = new Map<string, Job>();

  constructor(dir: string) {
    this.scene = new Scene(dir, 100);
  }

  /** A job notes that it ran, in seconds; without an end it was killed. */
  ran(id: string, begin: number, end?: number, { queue = "default", running = 1, code = 0 } = {}) {
    const lines = [
      `begin 1 7 0 ${begin} ${queue} ${running}`,
      ...(end === undefined ? [] : [`end 1 7 0 ${code} ${end}`]),
    ];
    this.note(id, lines);
  }

  note(id: string, lines: readonly string[]) {
    Deno.writeTextFileSync(`${this.scene.notes}/${id}`, `${lines.join("\n")}\n`, { append: true });
  }

  has(values: Partial<Job>) {
    const job = { ...aJob({ command: "job.sh quick 0 - 0" }), ...values };
    this.jobs.set(job.id, job);
  }

  problemsOf(check: (facts: Facts) => void): string[] {
    check(new Facts(this.scene, this.jobs, new Map()));
    return this.scene.problems.splice(0);
  }
}

function staged(test: (stage: Stage) => void): () => Promise<void> {
  return () =>
    withTempDir((dir) => {
      const stage = new Stage(dir);
      try {
        test(stage);
      } finally {
        stage.scene.close();
      }
    });
}

function one(problems: readonly string[], pattern: RegExp): void {
  assertEquals(problems.length, 1, problems.join("\n"));
  assertMatch(problems[0]!, pattern);
}

const CANCELLED = (reason: string | null): Status => ({ state: "cancelled", since: 0, reason });
const COMPLETED: Status = { state: "completed", since: 0 };

function attempt(outcome: Outcome, startedAt = 1000, number = 1): Attempt {
  return {
    attempt: number,
    worker: "worker-1",
    host: "box",
    pid: 1,
    startedAt,
    endedAt: startedAt + 1,
    outcome,
    exitCode: outcome === "succeeded" ? 0 : 1,
    signal: null,
    error: null,
  };
}

Deno.test({
  name: "checkQueues() tells of a job that begins beyond the limit, and of none within it",
  ignore,
  fn: staged((stage) => {
    stage.scene.queues.returned("two", 1000, { limit: 2 }, []);
    stage.ran("a", 5, 9, { queue: "two", running: 2 });
    assertEquals(stage.problemsOf(checkQueues), []);
    stage.ran("b", 6, 9, { queue: "two", running: 3 });
    one(stage.problemsOf(checkQueues), /^queue set --limit: job b .* number 3 of queue two/);
  }),
});

Deno.test({
  name: "checkQueues() lets begin what was claimed, or may have been set, when a limit changed",
  ignore,
  fn: staged((stage) => {
    const { queues } = stage.scene;
    queues.returned("two", 1000, { limit: 2 }, []);
    queues.called("two", 5000, { limit: 1 });
    stage.ran("meanwhile", 5.5, 9, { queue: "two", running: 2 });
    queues.returned("two", 6000, { limit: 1 }, ["claimed"]);
    stage.ran("claimed", 7, 9, { queue: "two", running: 2 });
    assertEquals(stage.problemsOf(checkQueues), []);
    stage.ran("late", 7, 9, { queue: "two", running: 2 });
    one(stage.problemsOf(checkQueues), /job late .* limit 1/);
  }),
});

Deno.test({
  name: "checkQueues() tells of a job that begins in a paused queue, and of none after a resume",
  ignore,
  fn: staged((stage) => {
    const { queues } = stage.scene;
    queues.returned("two", 1000, { paused: true }, []);
    stage.ran("paused", 2, 3, { queue: "two" });
    queues.called("two", 5000, { paused: false });
    stage.ran("resumed", 6, 7, { queue: "two" });
    one(stage.problemsOf(checkQueues), /^queue pause: job paused /);
  }),
});

Deno.test({
  name: "checkQueues() tells of more begins than the rate allows, by their claims",
  ignore,
  fn: staged((stage) => {
    // Five within two seconds.
    const begin = (n: number, at: number) => {
      stage.ran(`often-${n}`, at / 1000, at / 1000 + 1, { queue: "often" });
      stage.has({ id: `often-${n}`, history: [attempt("succeeded", at)], status: COMPLETED });
    };
    for (let n = 0; n < 5; n++) begin(n, 100_000 + n);
    begin(5, 102_000);
    assertEquals(stage.problemsOf(checkQueues), []);
    begin(6, 102_000);
    one(stage.problemsOf(checkQueues), /^queue set --rate: 6 jobs .* within 1999 ms/);
  }),
});

Deno.test({
  name: "checkDependencies() tells of a job that begins before the other one has completed",
  ignore,
  fn: staged((stage) => {
    stage.has({ id: "later", after: ["first"], status: COMPLETED });
    stage.ran("first", 1, 2);
    stage.ran("later", 3, 4);
    assertEquals(stage.problemsOf(checkDependencies), []);
    stage.has({ id: "failing", after: ["fails"], status: COMPLETED });
    stage.ran("fails", 1, 2, { code: 1 });
    stage.ran("failing", 3, 4);
    one(stage.problemsOf(checkDependencies), /^--after: job failing began at 3000, before fails/);
  }),
});

Deno.test({
  name: "checkDependencies() tells of a job that begins while the one runs whose end it waits for",
  ignore,
  fn: staged((stage) => {
    stage.has({ id: "later", afterAny: ["first"], status: COMPLETED });
    stage.ran("first", 1, 5, { code: 1 });
    stage.ran("later", 5, 6);
    assertEquals(stage.problemsOf(checkDependencies), []);
    stage.has({ id: "early", afterAny: ["first"], status: COMPLETED });
    stage.ran("early", 4, 6);
    one(stage.problemsOf(checkDependencies), /^--after-any: job early /);
  }),
});

Deno.test({
  name: "checkDependencies() tells of a job that stays blocked for one that is not dead",
  ignore,
  fn: staged((stage) => {
    const blocked: Status = { state: "blocked", since: 0, runAt: null, met: [] };
    stage.has({ id: "dead", status: { state: "dead", since: 0 } });
    stage.has({ id: "right", after: ["dead"], status: blocked });
    stage.has({ id: "behind", afterAny: ["right"], status: blocked });
    assertEquals(stage.problemsOf(checkDependencies), []);
    stage.has({ id: "wrong", afterAny: ["dead"], status: blocked });
    one(
      stage.problemsOf(checkDependencies),
      /job wrong is blocked in the end, though dead is dead/,
    );
  }),
});

Deno.test({
  name:
    "checkCalledOff() tells of jobs that ran though they expired, or were cancelled with another",
  ignore,
  fn: staged((stage) => {
    stage.has({ id: "expired", status: CANCELLED("expired") });
    stage.has({ id: "chained", status: CANCELLED('job "x" was cancelled') });
    assertEquals(stage.problemsOf(checkCalledOff), []);
    stage.ran("expired", 1, 2);
    one(stage.problemsOf(checkCalledOff), /^--start-by: job expired ran/);
    Deno.removeSync(`${stage.scene.notes}/expired`);
    stage.ran("chained", 1, 2);
    one(stage.problemsOf(checkCalledOff), /^--after: job chained ran/);
  }),
});

Deno.test({
  name:
    "checkCalledOff() tells of a job that begins after it was called off, unless it was retried",
  ignore,
  fn: staged((stage) => {
    const { ledger } = stage.scene;
    stage.has({ id: "alone", status: CANCELLED(null) });
    ledger.cancelled.set("alone", 1000);
    ledger.ended.set("grouped", 1000);
    stage.ran("alone", 0.5, 0.9);
    assertEquals(stage.problemsOf(checkCalledOff), []);
    stage.ran("grouped", 2, 3);
    one(stage.problemsOf(checkCalledOff), /^job cancel: job grouped had ended/);
    ledger.reviving("grouped");
    // It is put back now, which is long after the run.
    assertEquals(stage.problemsOf(checkCalledOff).length, 1);
  }),
});

Deno.test({
  name: "checkCalledOff() tells of a job that was claimed after the time it was to begin by",
  ignore,
  fn: staged((stage) => {
    const startBy = Date.now();
    stage.ran("late", uptime() / 1000, uptime() / 1000);
    const late = { id: "late", startBy, status: COMPLETED };
    stage.has({ ...late, history: [attempt("succeeded", startBy)] });
    assertEquals(stage.problemsOf(checkCalledOff), []);
    stage.has({ ...late, history: [attempt("succeeded", startBy + 1)] });
    one(stage.problemsOf(checkCalledOff), /^--start-by: job late, to begin by \d+, was claimed/);
  }),
});

Deno.test({
  name: "checkKeys() tells of two jobs with one key of which neither had ended",
  ignore,
  fn: staged((stage) => {
    const { ledger } = stage.scene;
    for (const [id, from, begin] of [["a", 1000, 5], ["b", 6000, 9], ["c", 8000, 9.5]] as const) {
      ledger.orders.set(id, { id, unique: "key-1" } as Order);
      stage.ran(id, begin, begin + 0.1);
      if (id !== "c") ledger.acknowledged.set(id, from);
    }
    assertEquals(stage.problemsOf(checkKeys), []);
    ledger.acknowledged.set("c", 8000);
    one(stage.problemsOf(checkKeys), /^--unique: b and c had the key key-1 at once/);
    ledger.acknowledged.delete("c");
    stage.note("c", ["beside 1 7 0 key-1"]);
    one(stage.problemsOf(checkKeys), /^--unique: job c ran beside another one/);
  }),
});

Deno.test({
  name: "checkSchedules() tells of a time without a job, a job without a time, and one in a pause",
  ignore,
  fn: staged((stage) => {
    const createdAt = Math.floor(Date.now() / 1000) * 1000 - 60_000;
    const { stories } = stage.scene.schedules;
    const id = (seconds: number) => idOf("each", createdAt + seconds * 1000);
    const until = (seconds: number, silences: Story["silences"] = []) =>
      stories.set("each", { createdAt, until: createdAt + seconds * 1000, silences });
    until(5);
    stage.has({ id: id(2) });
    stage.ran(id(4), 1, 2);
    assertEquals(stage.problemsOf(checkSchedules), []);
    until(6);
    one(stage.problemsOf(checkSchedules), new RegExp(`made no job at \\d+: ${id(6)}`));
    stage.has({ id: id(6) });
    stage.has({ id: id(7) });
    one(stage.problemsOf(checkSchedules), new RegExp(`${id(7)} is at no time of each`));
    stage.jobs.delete(id(7));
    until(6, [{ from: createdAt + 3000, to: createdAt + 5000 }]);
    one(stage.problemsOf(checkSchedules), new RegExp(`^schedule pause: ${id(4)}`));
  }),
});

Deno.test({
  name: "checkHooks() tells of an end without a hook, of two hooks, and of a hook without an end",
  ignore,
  fn: staged((stage) => {
    const history = [attempt("failed", 1000), attempt("succeeded", 2000, 2)];
    stage.has({ id: "a", history, status: COMPLETED });
    one(stage.problemsOf(checkHooks), /attempt 2 of job a \(succeeded\) made none/);
    stage.note("hook-a-2-1jk", ["begin 1 7 0 5 hooks 1", "hook 1 7 0 a completed 2"]);
    assertEquals(stage.problemsOf(checkHooks), []);
    stage.note("hook-again-2-1jk", ["hook 1 7 0 a completed 2"]);
    one(stage.problemsOf(checkHooks), /attempt 2 of job a \(succeeded\) made 2 hooks/);
    Deno.removeSync(`${stage.scene.notes}/hook-again-2-1jk`);
    stage.note("hook-a-1-rs", ["hook 1 7 0 a dead 1"]);
    one(stage.problemsOf(checkHooks), /attempt 1 of job a \(failed\) made hook-a-1-rs/);
  }),
});

Deno.test({
  name: "checkRevisions() tells of a change that was not kept, and not of one nobody is sure of",
  ignore,
  fn: staged((stage) => {
    stage.has({ id: "a", priority: 2 });
    stage.has({ id: "b", priority: 2 });
    stage.scene.ledger.revisions.set("a", { priority: 2 }).set("b", undefined);
    assertEquals(stage.problemsOf(checkRevisions), []);
    stage.scene.ledger.revisions.set("b", { priority: 3 });
    one(stage.problemsOf(checkRevisions), /priority of job b was set to 3, and is 2/);
  }),
});
