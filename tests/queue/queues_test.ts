// The rule of what a queue lets begin, against an independent statement of it.
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseRate, settingsFromJson, settingsToJson } from "../../src/queue/queue_json.ts";
import {
  beginTime,
  isTighter,
  isVoid,
  type QueueSettings,
  rateOpensAt,
  roomIn,
  UNRESTRICTED,
} from "../../src/queue/queues.ts";

const rate = fc.record({
  count: fc.integer({ min: 1, max: 4 }),
  seconds: fc.constantFrom(0.5, 1, 10),
}, { noNullPrototype: true });
const settings: fc.Arbitrary<QueueSettings> = fc.record({
  limit: fc.option(fc.integer({ min: 1, max: 4 })),
  rate: fc.option(rate),
  paused: fc.boolean(),
}, { noNullPrototype: true });

/** Lets begin what may, at each of these times, and returns all begins. */
function beginAll(one: { count: number; seconds: number }, times: readonly number[]): number[] {
  let begins: number[] = [];
  const all: number[] = [];
  for (const now of times) {
    const room = roomIn({ ...UNRESTRICTED, rate: one }, { running: 0, begins, now });
    for (let n = 0; n < room; n++) {
      const time = beginTime(one, begins, now);
      begins = isVoid(one, begins, now) ? [time] : [...begins, time];
      all.push(time);
    }
  }
  return all;
}

Deno.test("roomIn() never lets more begin within any window than the rate says, and no fewer", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 6000 }), { maxLength: 30 });
  fc.assert(fc.property(rate, steps, (one, waits) => {
    let now = 1e12;
    const times = waits.map((wait) => now += wait);
    const begins = beginAll(one, times);
    const window = one.seconds * 1000;
    for (const begin of begins) {
      const within = begins.filter((time) => time >= begin && time < begin + window).length;
      assert(within <= one.count, `${within} from ${begin} on`);
    }
    // Whenever it was looked, as many had begun in the window as may.
    for (const time of times) {
      assertEquals(begins.filter((at) => at > time - window && at <= time).length, one.count);
    }
  }));
});

Deno.test("rateOpensAt() is the first moment at which there is room", () => {
  fc.assert(fc.property(rate, fc.array(fc.nat(20_000), { maxLength: 6 }), fc.nat(20_000), (
    one,
    times,
    now,
  ) => {
    const begins = times.filter((time) => time <= now).sort((a, b) => a - b);
    const opening = rateOpensAt(one, begins, now);
    const room = (at: number) =>
      roomIn({ ...UNRESTRICTED, rate: one }, { running: 0, begins, now: at });
    if (opening === now) assert(room(now) > 0);
    else {
      assertEquals([room(now), room(opening - 1)], [0, 0]);
      assert(room(opening) > 0);
    }
  }));
});

Deno.test("roomIn() keeps the limit, and is 0 while paused", () => {
  fc.assert(fc.property(settings, fc.nat(6), fc.nat(20_000), (one, running, now) => {
    const room = roomIn(one, { running, begins: [], now });
    if (one.paused) assertEquals(room, 0);
    else if (one.limit !== null && running >= one.limit) assertEquals(room, 0);
    else {
      assert(room > 0);
      if (one.limit !== null) assert(running + room <= one.limit);
      if (one.rate !== null) assert(room <= one.rate.count);
      if (one.limit === null && one.rate === null) assertEquals(room, Infinity);
    }
  }));
});

Deno.test("roomIn() counts begins that lie a little ahead, and none that the clock makes nonsense of", () => {
  const one = { ...UNRESTRICTED, rate: { count: 1, seconds: 10 } };
  const room = (begin: number) => roomIn(one, { running: 0, begins: [begin], now: 50_000 });
  assertEquals([room(40_000), room(40_001), room(50_000), room(59_999), room(60_000)], [
    1,
    0,
    0,
    0,
    1,
  ]);
  assertEquals(beginTime(one.rate, [50_005], 50_000), 50_005);
  assertEquals(beginTime(one.rate, [60_000], 50_000), 50_000);
});

Deno.test("isTighter() tells when less may begin than before", () => {
  const rate = { count: 2, seconds: 60 };
  const set = (values: Partial<QueueSettings>) => ({ ...UNRESTRICTED, ...values });
  for (
    const [before, after, tighter] of [
      [{}, { limit: 1 }, true],
      [{ limit: 2 }, { limit: 1 }, true],
      [{ limit: 1 }, { limit: 2 }, false],
      [{ limit: 1 }, {}, false],
      [{}, { paused: true }, true],
      [{ paused: true }, {}, false],
      [{}, { rate }, true],
      [{ rate }, { rate: { count: 3, seconds: 60 } }, true],
      [{ rate }, { rate: { count: 2, seconds: 60 } }, false],
      [{ rate }, {}, false],
    ] as const
  ) assertEquals(isTighter(set(after), set(before)), tighter, JSON.stringify([before, after]));
});

Deno.test("settingsFromJson() gives back what settingsToJson() made, and takes nothing else", () => {
  const name = fc.constantFrom("a", "default", "__proto__", "x".repeat(128));
  fc.assert(fc.property(fc.array(fc.tuple(name, settings)), (entries) => {
    const queues = new Map(entries);
    const text = JSON.stringify(settingsToJson(queues));
    assertEquals(settingsFromJson(JSON.parse(text)), queues);
  }));
  for (
    const wrong of [
      [],
      null,
      { "-a": {} },
      { a: 1 },
      { a: { limit: 0 } },
      { a: { limit: 1.5 } },
      { a: { paused: 1 } },
      { a: { rate: 3 } },
      { a: { rate: { count: 1 } } },
      { a: { rate: { count: 1, seconds: 0 } } },
      { a: { what: 1 } },
    ]
  ) assertEquals(settingsFromJson(wrong), undefined, JSON.stringify(wrong));
});

Deno.test("parseRate() takes N/DURATION, and 0 for none", () => {
  assertEquals(parseRate("10/1m"), { count: 10, seconds: 60 });
  assertEquals(parseRate("10/m"), { count: 10, seconds: 60 });
  assertEquals(parseRate("1/500ms"), { count: 1, seconds: 0.5 });
  assertEquals(parseRate("3/60"), { count: 3, seconds: 60 });
  assertEquals(parseRate("0"), null);
  for (const wrong of ["", "10", "/1m", "10/", "0/1m", "10/0", "-1/1m", "1.5/1m", "a/b", "10/1x"]) {
    assertEquals(parseRate(wrong), undefined, wrong);
  }
});
