// Counters of attempts: pure.
import { assertEquals } from "@std/assert";
import {
  added,
  BOUNDS,
  counted,
  NOTHING,
  tallyFromJson,
  tallyToJson,
} from "../../src/queue/tally.ts";
import { aJob, anAttempt, EPOCH } from "../support/jobs.ts";

const classOf = (counts: readonly number[]) => counts.indexOf(1);

Deno.test("counted() puts an attempt into the classes of how long it waited and ran", () => {
  const at = (wait: number, duration: number) =>
    counted(NOTHING, ...anAttempt("q", "succeeded", EPOCH + wait, EPOCH + wait + duration));
  for (
    const [wait, duration, ...expected] of [
      [0, 100, 0, 0],
      [101, 500, 1, 1],
      [1000, 1001, 2, 3],
      [60_001, 86_400_000, 7, 11],
      [86_400_001, 1e9, BOUNDS.length, BOUNDS.length],
    ] as const
  ) {
    const tally = at(wait, duration);
    assertEquals([classOf(tally.wait.counts), classOf(tally.duration.counts)], expected);
    assertEquals([tally.wait.sum, tally.duration.sum], [wait / 1000, duration / 1000]);
  }
});

Deno.test("counted() counts no negative time where the clock was set back", () => {
  const tally = counted(NOTHING, ...anAttempt("q", "lost", EPOCH - 5000, EPOCH - 6000));
  assertEquals([tally.wait.sum, tally.duration.sum], [0, 0]);
});

Deno.test("counted() leaves out a job that was given back, which has had no attempt", () => {
  const [running] = anAttempt("q", "succeeded", EPOCH, EPOCH);
  assertEquals(counted(NOTHING, running, aJob()), NOTHING);
  assertEquals(counted(NOTHING, aJob(), aJob()), NOTHING);
});

Deno.test("added() loses no fraction, however often", () => {
  const one = counted(NOTHING, ...anAttempt("q", "succeeded", EPOCH + 100, EPOCH + 101));
  let sum = NOTHING;
  for (let i = 0; i < 1000; i++) sum = added(sum, one);
  assertEquals([sum.wait.sum, sum.duration.sum, sum.attempts.get("q")?.succeeded], [100, 1, 1000]);
});

Deno.test("tallyFromJson() takes what tallyToJson() made, and nothing else", () => {
  const tally = counted(NOTHING, ...anAttempt("q", "failed", EPOCH + 5, EPOCH + 9));
  const json = JSON.parse(JSON.stringify(tallyToJson(tally)));
  assertEquals(tallyFromJson(json), tally);
  for (
    const wrong of [
      null,
      1,
      {},
      { ...json, bounds: [1] },
      { ...json, wait: { counts: [], sum: 0 } },
      { ...json, duration: { ...json.duration, sum: -1 } },
      { ...json, attempts: { q: { succeeded: 1 } } },
      { ...json, attempts: [], wait: undefined },
    ]
  ) assertEquals(tallyFromJson(wrong), undefined);
});
