import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { QueueError } from "../../src/queue/errors.ts";
import { isJobId } from "../../src/queue/job.ts";
import {
  isScheduleName,
  latestTime,
  MISSED,
  MOST_OWED,
  nextStep,
  nextTimes,
  OVERLAP,
  paused,
  type Recurrence,
  resumed,
  type Schedule,
  scheduled,
  type ScheduleEntry,
} from "../../src/queue/schedule.ts";
import { firedJobId } from "../../src/queue/schedule_ids.ts";

const MINUTE = 60_000;
const START = Date.parse("2026-11-24T12:00:00Z");

const everyMinute: Recurrence = { after: (time) => (Math.floor(time / MINUTE) + 1) * MINUTE };

function anEntry(values: Partial<Schedule> = {}): ScheduleEntry {
  const entry = scheduled(
    {
      name: "s",
      when: { kind: "cron", pattern: "* * * * *" },
      tz: "UTC",
      missed: "last",
      overlap: "skip",
      createdAt: START,
      job: { command: "true", cwd: "/" },
      ...values,
    },
    undefined,
    false,
  );
  if (entry instanceof QueueError) throw entry;
  return entry;
}

/** What is fired (F), owed (O) or skipped (S) until nothing is left to do, as minutes after START. */
function settle(
  entry: ScheduleEntry,
  facts: { now: number; aliveSince: number; busy?: boolean },
  recurrence = everyMinute,
): { did: string[]; entry: ScheduleEntry } {
  const did: string[] = [];
  let { busy = false } = facts;
  for (let n = 0; n < 5000; n++) {
    const step = nextStep(entry, recurrence, { ...facts, busy });
    if (step === undefined) return { did, entry };
    entry = { ...entry, state: step.state };
    if (step.kind === "settle") continue;
    did.push(
      `${step.kind === "skip" ? "S" : step.caughtUp ? "O" : "F"}${(step.at - START) / MINUTE}`,
    );
    if (step.kind === "fire") busy = true;
  }
  throw new Error("It goes on for ever");
}

const at = (minutes: number) => START + minutes * MINUTE;

Deno.test("nextStep() fires each time once, and nothing at the moment when it was added", () => {
  let { entry, did } = settle(anEntry(), { now: START, aliveSince: 0 });
  assertEquals(did, []);
  ({ entry, did } = settle(entry, { now: at(1) - 1, aliveSince: 0 }));
  assertEquals(did, []);
  ({ entry, did } = settle(entry, { now: at(1), aliveSince: 0 }));
  assertEquals(did, ["F1"]);
  assertEquals([entry.state.lastAt, entry.state.lastJobId], [at(1), "s-20261124T120100Z"]);
  assertEquals(settle(entry, { now: at(1), aliveSince: 0 }).did, []);
});

Deno.test("nextStep() of missed times: the last, none, or all of them", () => {
  const facts = { now: at(5.5), aliveSince: at(5.2) };
  assertEquals(settle(anEntry(), facts).did, ["F5"]);
  assertEquals(settle(anEntry({ missed: "skip" }), facts).did, []);
  assertEquals(settle(anEntry({ missed: "skip" }), facts).entry.state.since, at(5));
  const { did, entry } = settle(anEntry({ missed: "all" }), facts);
  assertEquals(did, ["O1"], "the others when it has ended");
  assertEquals(entry.state.owed, [2, 3, 4, 5].map(at));
  assertEquals(settle(entry, { ...facts, busy: true }).did, []);
  assertEquals(settle(entry, facts).did, ["O2"]);
});

Deno.test("nextStep() takes times since somebody has been there for not missed", () => {
  const facts = { now: at(3.5), aliveSince: at(2) };
  const both = { overlap: "allow" } as const;
  assertEquals(settle(anEntry({ ...both, missed: "skip" }), facts).did, ["F2", "F3"]);
  assertEquals(settle(anEntry({ ...both, missed: "last" }), facts).did, ["F1", "F2", "F3"]);
  assertEquals(settle(anEntry(both), { ...facts, aliveSince: at(2) + 1 }).did, ["F2", "F3"]);
});

Deno.test("nextStep() skips what overlaps, and counts it; not where that is allowed", () => {
  const facts = { now: at(2.5), aliveSince: START, busy: true };
  const { did, entry } = settle(anEntry(), facts);
  assertEquals(did, ["S1", "S2"]);
  assertEquals([entry.state.skipped, entry.state.lastSkippedAt], [2, at(2)]);
  assertEquals(entry.state.lastAt, null);
  assertEquals(settle(anEntry({ overlap: "allow" }), facts).did, ["F1", "F2"]);
});

Deno.test("nextStep() skips what comes while missed times are caught up, and loses none of them", () => {
  let { entry, did } = settle(anEntry({ missed: "all" }), { now: at(3.5), aliveSince: at(3.5) });
  assertEquals(did, ["O1"]);
  ({ entry, did } = settle(entry, { now: at(4), aliveSince: at(3.5), busy: true }));
  assertEquals(did, ["S4"]);
  // A restart in the middle of it.
  ({ entry, did } = settle(entry, { now: at(6.5), aliveSince: at(6.5) }));
  assertEquals(did, ["O2"]);
  assertEquals(entry.state.owed, [at(3), at(5), at(6)]);
});

Deno.test("nextStep() catches up the newest thousand, oldest first", () => {
  const { entry } = settle(anEntry({ missed: "all" }), {
    now: at(700_000),
    aliveSince: at(700_000) + 1,
  });
  assertEquals(entry.state.owed.length, MOST_OWED - 1);
  assertEquals(entry.state.lastAt, at(700_000 - MOST_OWED + 1));
  assertEquals(entry.state.owed.at(-1), at(700_000));
});

Deno.test("nextStep() fires nothing of a paused schedule, nor what fell into the pause", () => {
  const rests = paused(anEntry({ missed: "all" }));
  assertEquals(settle(rests, { now: at(9), aliveSince: at(8) }).did, []);
  const again = resumed(rests, at(9));
  assertEquals(settle(again, { now: at(9.5), aliveSince: START }).did, []);
  assertEquals(settle(again, { now: at(10), aliveSince: START }).did, ["F10"]);
  assertEquals(resumed(again, at(12)), again, "it is not paused");
});

Deno.test("nextStep() fires nothing again when the clock is set back, and once when it jumps", () => {
  const { entry } = settle(anEntry(), { now: at(10), aliveSince: at(10) });
  assertEquals(settle(entry, { now: at(3), aliveSince: at(3) }).did, []);
  assertEquals(settle(entry, { now: at(10), aliveSince: at(3) }).did, []);
  assertEquals(settle(entry, { now: at(11), aliveSince: at(3) }).did, ["F11"]);
  assertEquals(settle(entry, { now: at(99_999), aliveSince: at(99_999) + 1 }).did, ["F99999"]);
  assertEquals(nextTimes(entry, everyMinute, at(3), 2), [at(11), at(12)]);
});

Deno.test("scheduled() refuses a name that exists; one that replaces it begins anew", () => {
  const old = paused(settle(anEntry(), { now: at(1), aliveSince: 0, busy: false }).entry);
  const schedule = { ...anEntry().schedule, createdAt: at(5.5) };
  const refusal = scheduled(schedule, old, false);
  assert(refusal instanceof QueueError);
  assertEquals(refusal.code, "duplicate_id");
  const replaced = scheduled(schedule, old, true);
  assert(!(replaced instanceof QueueError));
  assertEquals(replaced.state.paused, true);
  assertEquals(replaced.state.lastJobId, old.state.lastJobId);
  const again = { ...replaced, state: { ...replaced.state, paused: false } };
  assertEquals(settle(again, { now: at(6), aliveSince: at(6) }).did, ["F6"]);
});

Deno.test("isScheduleName() leaves room for the time in the job's id", () => {
  for (const name of ["a", "nightly-backup", "A.b_c-1", "x".repeat(111)]) {
    assert(isScheduleName(name), name);
    assert(isJobId(firedJobId(name, START)));
  }
  for (const name of ["", ".a", "-a", "a b", "a/b", "ü", "a~b", "x".repeat(112)]) {
    assert(!isScheduleName(name), name);
  }
});

/** Any times in order, as a schedule. */
function among(times: readonly number[]): Recurrence {
  return { after: (time) => times.find((one) => one > time) };
}
const TIMES = fc.uniqueArray(fc.integer({ min: 1, max: 10_000_000 }), { maxLength: 30 })
  .map((times) => times.sort((a, b) => a - b));

Deno.test("latestTime() is the last time in a span, however times lie in it", () => {
  fc.assert(
    fc.property(TIMES, fc.nat(1e7), fc.nat(1e7), fc.integer({ min: 1, max: 1e6 }), (
      times,
      a,
      b,
      guess,
    ) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const expected = times.findLast((time) => time > from && time <= to);
      assertEquals(latestTime(among(times), from, to, guess), expected);
    }),
  );
});

Deno.test("nextStep() in any history: no time twice, none before its turn, none forgotten", () => {
  const look = fc.record({
    wait: fc.nat(4 * MINUTE),
    /** How far the clock jumps besides, such as when the machine sleeps; back, when negative. */
    jump: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -9e5, max: 9e5 })),
    restart: fc.boolean(),
    ends: fc.boolean(),
  });
  const times = fc.array(fc.nat(3_600_000), { maxLength: 60 })
    .map((all) => [...new Set(all)].map((time) => START + 1 + time).sort((a, b) => a - b));
  fc.assert(
    fc.property(
      times,
      fc.array(look, { maxLength: 60 }),
      fc.constantFrom(...MISSED),
      fc.constantFrom(...OVERLAP),
      (all, looks, missed, overlap) => {
        let entry = anEntry({ missed, overlap });
        let [now, aliveSince, busy] = [START, START, false];
        const fired: number[] = [];
        const skipped: number[] = [];
        let latest = now; // of all that the clock has shown
        for (const { wait, jump, restart, ends } of looks) {
          now += wait + jump;
          latest = Math.max(latest, now);
          if (restart || jump !== 0) aliveSince = now;
          if (ends) busy = false;
          const before = entry.state.since;
          for (let step; (step = nextStep(entry, among(all), { now, aliveSince, busy }));) {
            assert(step.state.since >= entry.state.since);
            entry = { ...entry, state: step.state };
            if (step.kind === "settle") continue;
            assert(step.at <= latest, "before its turn");
            assert(all.includes(step.at));
            if (step.kind === "skip") skipped.push(step.at);
            else {
              assert(!fired.includes(step.at), "twice");
              if (busy) assertEquals([overlap, step.caughtUp], ["allow", false]);
              fired.push(step.at);
              busy = true;
            }
          }
          // What was due while somebody was there is fired or skipped.
          for (const time of all) {
            if (time <= before || time > now || time < aliveSince) continue;
            assert(fired.includes(time) || skipped.includes(time), "forgotten");
          }
          // What was due before is settled by the rule for missed times.
          assert(
            among(all).after(entry.state.since) === undefined ||
              among(all).after(entry.state.since)! > now,
          );
          assertEquals(entry.state.owed.filter((time) => fired.includes(time)), []);
          if (missed !== "all") assertEquals(entry.state.owed, []);
        }
        if (missed !== "all") return;
        const settled = new Set([...fired, ...skipped, ...entry.state.owed]);
        assertEquals(all.filter((time) => time <= entry.state.since && !settled.has(time)), []);
      },
    ),
    { numRuns: 500 },
  );
});
