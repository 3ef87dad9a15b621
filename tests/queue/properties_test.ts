import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseDuration } from "../../src/queue/durations.ts";
import { QueueError } from "../../src/queue/errors.ts";
import { globMatcher } from "../../src/queue/glob.ts";
import type { Job } from "../../src/queue/job.ts";
import { editDistance } from "../../src/queue/nearest.ts";
import { compareArrival, compareTurns, type Turn } from "../../src/queue/order.ts";
import { type Outcome, OUTCOMES } from "../../src/queue/outcome.ts";
import { retryDelay } from "../../src/queue/retry.ts";
import { claimed, ended } from "../../src/queue/transitions.ts";
import { shortIds } from "../../src/view/ids.ts";
import { aJob } from "../support/jobs.ts";

const backoff = fc.record({
  base: fc.double({ min: 1, max: 3600, noNaN: true }),
  max: fc.double({ min: 0, max: 1e6, noNaN: true }),
});

Deno.test("retryDelay() never exceeds backoff_max, and never shrinks from one retry to the next", () => {
  fc.assert(fc.property(backoff, fc.integer({ min: 1, max: 1000 }), (b, n) => {
    assert(retryDelay(n, b) <= b.max);
    assert(retryDelay(n, b) <= retryDelay(n + 1, b));
    assert(retryDelay(n, b) >= 0);
  }));
});

Deno.test("a job has at most 1 + max_retries attempts, released ones not counted, whatever happens to it", () => {
  const bad = fc.array(fc.constantFrom<Outcome>(...OUTCOMES), { maxLength: 40 });
  fc.assert(fc.property(fc.nat(5), bad, (maxRetries, outcomes) => {
    let job: Job = aJob({ maxRetries, createdAt: 1000 });
    let now = 2000;
    for (const outcome of outcomes) {
      const running = claimed(job, { worker: "w", pid: 1, host: "box" }, now);
      if (running instanceof QueueError) break;
      const step = ended(running, { outcome, exitCode: null, signal: null, error: null }, {
        base: 2,
        max: 60,
      }, ++now);
      assert(!(step instanceof QueueError));
      job = step;
      assertEquals(job.history.at(-1)?.attempt, job.history.length);
    }
    const counted = job.history.filter(({ outcome }) => outcome !== "released").length;
    assert(counted <= 1 + maxRetries);
    assertEquals(
      job.status.state === "dead",
      counted === 1 + maxRetries && isFailure(job.history.at(-1)?.outcome),
    );
  }));
});

function isFailure(outcome: Outcome | undefined): boolean {
  return outcome === "failed" || outcome === "timed_out" || outcome === "lost";
}

const turn: fc.Arbitrary<Turn> = fc.record({
  priority: fc.integer({ min: -2, max: 2 }),
  due: fc.nat(3),
  createdAt: fc.nat(3),
  sequence: fc.nat(3),
  id: fc.constantFrom("a", "b", "c"),
});

Deno.test("compareTurns() and compareArrival() are total orders", () => {
  for (const compare of [compareTurns, compareArrival]) {
    fc.assert(fc.property(turn, turn, turn, (a, b, c) => {
      assertEquals(Math.sign(compare(a, b)), -Math.sign(compare(b, a)) + 0);
      if (compare(a, b) <= 0 && compare(b, c) <= 0) assert(compare(a, c) <= 0);
      assertEquals(compare(a, a), 0);
    }));
  }
});

Deno.test("compareTurns() puts priority before all else, then the time due", () => {
  fc.assert(fc.property(turn, turn, (a, b) => {
    if (a.priority > b.priority) assert(compareTurns(a, b) < 0);
    else if (a.priority === b.priority && a.due < b.due) assert(compareTurns(a, b) < 0);
  }));
});

Deno.test("parseDuration() reads what it is made of, and nothing that is none", () => {
  const parts = fc.record({
    d: fc.nat(9),
    h: fc.nat(99),
    m: fc.nat(99),
    s: fc.nat(99),
    ms: fc.nat(999),
  });
  fc.assert(fc.property(parts, ({ d, h, m, s, ms }) => {
    const expected = d * 86_400 + h * 3600 + m * 60 + s + ms / 1000;
    assertEquals(parseDuration(`${d}d${h}h${m}m${s}s${ms}ms`), Math.round(expected * 1000) / 1000);
  }));
  for (const text of ["", "-1", "1 h", "1x", "h", "1e3", "Infinity", "5m3", "40000d"]) {
    assertEquals(parseDuration(text), undefined, text);
  }
  assertEquals([".5", "1.", "1.5", "60"].map(parseDuration), [0.5, 1, 1.5, 60]);
});

Deno.test("globMatcher() finds what a pattern was made from", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "-", "*", "?", "[", "]", "é", "👍", "\n"),
  });
  fc.assert(fc.property(text, text, text, (a, b, c) => {
    assert(globMatcher("*")(a));
    const literal = [...b].map((char) => "*?[".includes(char) ? `[${char}]` : char).join("");
    assert(globMatcher(`*${literal}*`)(a + b + c), JSON.stringify([a, b, c]));
    assert(globMatcher(literal)(b));
    assertEquals(globMatcher(literal + "x")(b), false);
    assertEquals(globMatcher("?".repeat([...a].length))(a), true);
  }));
});

Deno.test("editDistance() is nought for the same word, the same both ways, and one for one slip", () => {
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => {
    assertEquals(editDistance(a, a), 0);
    assertEquals(editDistance(a, b), editDistance(b, a));
    assertEquals(editDistance(a, a + "x"), 1);
  }));
  assertEquals(editDistance("status", "sttaus"), 1);
});

Deno.test("shortIds() keeps ids apart", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1 })),
      (ids) => {
        const short = shortIds(ids);
        assertEquals(new Set(short.values()).size, ids.length);
        for (const [id, beginning] of short) assert(id.startsWith(beginning));
      },
    ),
  );
});
