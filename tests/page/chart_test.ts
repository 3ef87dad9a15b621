import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { quantile, roundTop, stackedBars, usedPart } from "../../page/chart.ts";

Deno.test("roundTop() is a number to read, and not below the highest", () => {
  assertEquals([0, 1, 2, 3, 5, 7, 9, 11, 99, 101, 2500].map(roundTop), [
    1,
    1,
    2,
    3,
    6,
    8,
    10,
    20,
    100,
    200,
    3000,
  ]);
});

Deno.test("stackedBars() stands bars on one another, inside the plot, and shows the smallest count", () => {
  const series = fc.array(fc.array(fc.nat(1000), { minLength: 5, maxLength: 5 }), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(fc.property(series, (counts) => {
    const top = roundTop(counts.length * 1000);
    const bars = stackedBars(counts, { width: 100, height: 90, top });
    for (let i = 0; i < 5; i++) {
      let floor = 90;
      for (const [s, ones] of bars.entries()) {
        const { y, height } = ones[i]!;
        assert(Math.abs(y + height - floor) < 1e-9 && y >= 0);
        assertEquals(height > 0, counts[s]![i]! > 0);
        floor = y;
      }
    }
  }));
});

Deno.test("quantile() tells the time under which a share lies, as far as classes tell", () => {
  const histogram = { le: [1, 2, 4], counts: [0, 10, 10, 0], sum: 45 };
  assertEquals([0.25, 0.5, 0.75, 1].map((share) => quantile(histogram, share)), [1.5, 2, 3, 4]);
  assertEquals(quantile({ le: [1], counts: [0, 5], sum: 50 }, 0.5), Infinity);
  assertEquals(quantile({ le: [1], counts: [0, 0], sum: 0 }, 0.5), undefined);
});

Deno.test("usedPart() leaves out what is empty at both ends, but for one", () => {
  const part = (counts: number[]) => usedPart({ le: [], counts, sum: 0 });
  assertEquals(part([0, 0, 3, 0, 1, 0, 0, 0]), { from: 1, to: 6 });
  assertEquals(part([2]), { from: 0, to: 1 });
  assertEquals(part([0, 0]), { from: 0, to: 0 });
});
