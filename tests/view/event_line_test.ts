import { assert, assertEquals } from "@std/assert";
import type { Job } from "../../src/queue/job.ts";
import type { Ending } from "../../src/queue/outcome.ts";
import { claimed, ended, type TransitionResult } from "../../src/queue/transitions.ts";
import { eventLine, isShown, levelOf, type QueueEvent } from "../../src/view/event_line.ts";
import { paintFor, plain } from "../../src/view/style.ts";
import { aJob } from "../support/jobs.ts";

const AT = new Date(2030, 0, 31, 18, 0, 5).getTime();

function after(ending: Partial<Ending>, maxRetries: number): Job {
  const running = must(
    claimed(
      aJob({ id: "0123456789", command: "make\n-j", maxRetries, createdAt: 1 }),
      { worker: "w", pid: 1, host: "box" },
      AT - 2100,
    ),
  );
  const full: Ending = { outcome: "failed", exitCode: 1, signal: null, error: null, ...ending };
  return must(ended(running, full, { base: 4, max: 60 }, AT));
}

function must(step: TransitionResult): Job {
  if (step instanceof Error) throw step;
  return step;
}

const line = (event: QueueEvent, width?: number) => eventLine(event, plain, width);

Deno.test("eventLine() tells time, level, job, outcome, duration, next retry and command", () => {
  const cases: [Job, string][] = [
    [
      after({ outcome: "succeeded", exitCode: 0 }, 3),
      "INFO    01234567 succeeded after 2.1s: make␊-j",
    ],
    [after({}, 3), "WARNING 01234567 exit 1 after 2.1s, retry 1 of 3 in 4s: make␊-j"],
    [after({}, 0), "ERROR   01234567 exit 1 after 2.1s, dead: make␊-j"],
    [
      after({ exitCode: null, signal: "SIGSEGV" }, 0),
      "ERROR   01234567 SIGSEGV after 2.1s, dead: make␊-j",
    ],
    [
      after({ outcome: "timed_out", exitCode: null }, 1),
      "WARNING 01234567 timed out after 2.1s, retry 1 of 1 in 4s: make␊-j",
    ],
    [
      after({ outcome: "lost", exitCode: null }, 1),
      "WARNING 01234567 lost after 2.1s, retry 1 of 1 now: make␊-j",
    ],
    [
      after({ outcome: "released", exitCode: null }, 1),
      "INFO    01234567 released after 2.1s: make␊-j",
    ],
    [
      after({ outcome: "cancelled", exitCode: null }, 1),
      "INFO    01234567 cancelled after 2.1s: make␊-j",
    ],
  ];
  for (const [job, text] of cases) {
    assertEquals(line({ kind: "ended", at: AT, job }), `18:00:05 ${text}`);
  }
});

Deno.test("eventLine() cuts the command to fit a terminal", () => {
  const job = { ...after({}, 0), command: "x".repeat(200) };
  assertEquals(line({ kind: "ended", at: AT, job }, 80).length, 80);
  const wide = line({ kind: "ended", at: AT, job: { ...job, command: "番".repeat(200) } }, 80);
  const others = wide.replace(/番/g, "").length;
  assertEquals(others + 2 * (wide.length - others), 80 - (80 - others) % 2);
});

Deno.test("eventLine() tells of runs that begin and of other things, safely", () => {
  const job = after({}, 3);
  assertEquals(
    line({ kind: "begun", at: AT, job, worker: "w\x1b" }),
    "18:00:05 DEBUG   01234567 begun on w␛: make␊-j",
  );
  assertEquals(
    line({ kind: "note", at: AT, level: "INFO", text: "2 workers\n" }),
    "18:00:05 INFO    2 workers␊",
  );
  assertEquals(
    line({ kind: "ended", at: AT, job: { ...job, history: [] } }),
    "18:00:05 INFO    01234567 failed: make␊-j",
  );
  const colour = paintFor({ isTerminal: true }, () => undefined);
  assert(eventLine({ kind: "ended", at: AT, job }, colour).includes("\x1b[31mexit 1"));
});

Deno.test("isShown() follows log_level", () => {
  const dead: QueueEvent = { kind: "ended", at: AT, job: after({}, 0) };
  const failed: QueueEvent = { kind: "ended", at: AT, job: after({}, 1) };
  const begun: QueueEvent = { kind: "begun", at: AT, job: after({}, 1), worker: "w" };
  assertEquals([dead, failed, begun].map(levelOf), ["ERROR", "WARNING", "DEBUG"]);
  assertEquals([dead, failed, begun].map((event) => isShown(event, "WARNING")), [
    true,
    true,
    false,
  ]);
  assertEquals(isShown(begun, "DEBUG"), true);
});
