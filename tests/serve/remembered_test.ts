// Values that many ask for, and counts of the past.
import { assertEquals, assertRejects } from "@std/assert";
import { EndedHistory } from "../../src/serve/ended_history.ts";
import { Remembered } from "../../src/serve/remembered.ts";

/** A value that is read in `cost` milliseconds by a clock of its own. */
function world(cost: number) {
  let [now, reads] = [0, 0];
  const read = () => {
    now += cost;
    return Promise.resolve(++reads);
  };
  const value = new Remembered(read, 1000, () => now);
  return { value, pass: (ms: number) => now += ms };
}

Deno.test("Remembered reads once for all who ask within its time", async () => {
  const { value, pass } = world(5);
  assertEquals(await Promise.all([value.get(), value.get(), value.get()]), [1, 1, 1]);
  pass(999);
  assertEquals(await value.get(), 1);
  pass(2);
  assertEquals(await value.get(), 2);
});

Deno.test("Remembered reads the less often the more it costs", async () => {
  const { value, pass } = world(2000);
  await value.get();
  pass(1001);
  assertEquals(await value.get(), 2, "the first tells little of the next");
  pass(50 * 2000 - 1);
  assertEquals(await value.get(), 2);
  pass(2);
  assertEquals(await value.get(), 3);
});

Deno.test("Remembered reads anew after forget(), also what is being read", async () => {
  let free = () => {};
  let reads = 0;
  const read = async () => {
    const mine = ++reads;
    if (mine === 1) await new Promise<void>((resolve) => free = resolve);
    return mine;
  };
  const value = new Remembered(read, 1e6, () => 0);
  const old = value.get();
  value.forget();
  assertEquals(await value.get(), 2);
  free();
  assertEquals([await old, await value.get()], [1, 2]);
});

Deno.test("Remembered keeps no failure", async () => {
  let fails = true;
  const value = new Remembered(
    () => fails ? Promise.reject(new Error("away")) : Promise.resolve("here"),
    1e6,
    () => 0,
  );
  await assertRejects(() => value.get(), Error, "away");
  fails = false;
  assertEquals(await value.get(), "here");
});

const MINUTE = 60_000;

Deno.test("EndedHistory counts each part of the past once", async () => {
  const ends = [0.5, 1.2, 1.9, 3.1, 4.4].map((minutes) => minutes * MINUTE);
  let reads = 0;
  const history = new EndedHistory({
    countEndedSince(since) {
      reads++;
      const completed = ends.filter((end) => end >= since).length;
      return Promise.resolve({ completed, dead: completed, cancelled: 0 });
    },
  });
  const counts = async (now: number) => {
    const { from, counts } = await history.counts(now, MINUTE, 4);
    assertEquals(counts.map(({ completed }) => completed), counts.map(({ dead }) => dead));
    return [from / MINUTE, ...counts.map(({ completed }) => completed)];
  };
  assertEquals(await counts(4.6 * MINUTE), [1, 2, 0, 1, 1]);
  const before = reads;
  ends.push(4.7 * MINUTE);
  assertEquals(await counts(4.8 * MINUTE), [1, 2, 0, 1, 2]);
  assertEquals(reads - before, 1);
  // The part that just went by may still change; the one before no more.
  ends.push(4.99 * MINUTE, 5.01 * MINUTE, 2.5 * MINUTE);
  assertEquals(await counts(5.02 * MINUTE), [2, 0, 1, 3, 1]);
});
