import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  atLeast,
  atMost,
  median,
  missingRow,
  plainRow,
  quantile,
  ratioRow,
  ratios,
} from "../../scripts/bench/figures.ts";
import { LIBRARIES, programOf } from "../../scripts/bench/libraries.ts";
import { childSeconds, familyCpu, parentOf } from "../../scripts/bench/proc.ts";
import { figureText, resultText, tableOf, targetText } from "../../scripts/bench/report.ts";
import { inTurns, orderOf } from "../../scripts/bench/turns.ts";
import { plain } from "../../src/view/style.ts";

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });

Deno.test("median() is the middle value, or the mean of the two in the middle", () => {
  assertEquals(median([3]), 3);
  assertEquals(median([5, 1, 3]), 3);
  assertEquals(median([4, 1, 2, 10]), 3);
});

Deno.test("median() does not change the order of what it is given", () => {
  const values = [3, 1, 2];
  median(values);
  assertEquals(values, [3, 1, 2]);
});

Deno.test("quantile() lies between the least and the greatest, and never falls with the share", () => {
  fc.assert(fc.property(numbers, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
    const found = quantile(values, share);
    assert(found >= Math.min(...values) && found <= Math.max(...values));
    assert(found <= quantile(values, 1));
    assert(quantile(values, 0) <= found);
  }));
  assertEquals(quantile([0, 10], 0.25), 2.5);
});

Deno.test("quantile() of nothing is refused", () => {
  assertThrows(() => quantile([], 0.5), RangeError);
});

Deno.test("ratios() takes each value by the yardstick of its own round", () => {
  assertEquals(ratios([10, 30], [5, 10]), [2, 3]);
  assertThrows(() => ratios([1], []), RangeError);
});

Deno.test("ratioRow() has the median of the ratios, not the ratio of the medians", () => {
  // The machine was ten times slower in the last round: there both were.
  const row = ratioRow({
    what: "jobs",
    unit: "/s",
    values: [80, 90, 9],
    yardstick: { name: "xargs", values: [100, 100, 10] },
    target: atLeast(0.9),
  });
  assertEquals([row.value, row.yardstick?.value, row.ratio, row.reached], [80, 100, 0.9, true]);
});

Deno.test("ratioRow() that has to be ahead in every round is not when it is behind in one", () => {
  const row = (values: number[]) =>
    ratioRow({
      what: "jobs",
      unit: "/s",
      values,
      yardstick: { name: "nq", values: [10, 10, 10] },
      target: atLeast(1, "every ratio"),
    }).reached;
  assertEquals(row([11, 20, 10]), true);
  assertEquals(row([11, 20, 9]), false);
});

Deno.test("plainRow() is judged by its value, which is the median unless another is given", () => {
  const target = atMost(10, "value");
  assertEquals(plainRow({ what: "delay", unit: "ms", values: [1, 2, 99], target }).reached, true);
  assertEquals(
    plainRow({ what: "delay", unit: "ms", values: [1, 2, 99], value: 99, target }).reached,
    false,
  );
  assertEquals(plainRow({ what: "delay", unit: "ms", values: [1] }).reached, undefined);
});

Deno.test("orderOf() gives each contender each place, and keeps all", () => {
  const names = ["a", "b", "c"];
  const orders = Array.from({ length: 6 }, (_, round) => orderOf(names, round));
  for (const order of orders) assertEquals(order.toSorted(), names);
  for (const place of [0, 1, 2]) assertEquals(new Set(orders.map((order) => order[place])).size, 3);
  assertEquals(orderOf([], 3), []);
});

Deno.test("orderOf() of two lets each be first as often as the other", () => {
  const first = Array.from({ length: 8 }, (_, round) => orderOf(["a", "b"], round)[0]);
  assertEquals(first.filter((name) => name === "a").length, 4);
});

Deno.test("inTurns() keeps the samples of a round together, and does not count the warm-up", async () => {
  let [n, m] = [0, 100];
  const contenders = { one: () => Promise.resolve(n++), two: () => Promise.resolve(m++) };
  assertEquals(await inTurns(3, contenders, { warmUp: true }), {
    one: [1, 2, 3],
    two: [101, 102, 103],
  });
});

Deno.test("childSeconds() adds user and system time of the children, and refuses anything else", () => {
  assertEquals(childSeconds("0m0.000000s 0m0.010000s\n1m1.500000s 0m0.250000s\n"), 61.75);
  assertThrows(() => childSeconds("\n"), Error, "times");
});

Deno.test("figureText() shows three digits that count", () => {
  assertEquals(figureText(1234.5, "/s"), "1,235/s");
  assertEquals(figureText(12.345, "ms"), "12.3 ms");
  assertEquals(figureText(0.1234, "%"), "0.12%");
});

Deno.test("targetText() says what it is of", () => {
  assertEquals(targetText(atLeast(10_000, "value"), "/s"), "at least 10,000/s");
  assertEquals(targetText(atMost(1.4), "ms"), "at most 1.4");
  assertEquals(targetText(atLeast(1, "every ratio"), "/s"), "at least 1, each round");
});

Deno.test("tableOf() shows what is not reached as that, and says below why something is missing", async () => {
  const yardstick = { name: "xargs", values: [1000] };
  const rows = [
    ratioRow({ what: "fast", unit: "/s", values: [800], yardstick, target: atLeast(0.75) }),
    ratioRow({ what: "slow", unit: "/s", values: [500], yardstick, target: atLeast(0.75) }),
    missingRow("beside nq", "/s", "it is not installed"),
  ];
  assertEquals(
    await tableOf(rows, { paint: plain, width: undefined }),
    `WHAT       VALUE  YARDSTICK      RATIO  TO REACH       REACHED
fast       800/s  xargs 1,000/s  0.800  at least 0.75  yes
slow       500/s  xargs 1,000/s  0.500  at least 0.75  NO
beside nq      -
beside nq: it is not installed
`,
  );
});

Deno.test("resultText() is JSON with a line for each row, without digits that mean nothing", () => {
  const rows = [1 / 3, 2000].map((value) =>
    plainRow({ what: "delay", unit: "ms", values: [value] })
  );
  const text = resultText({ schema: 1, environment: { cores: 2 } }, rows);
  const { schema, environment, rows: read } = JSON.parse(text);
  assertEquals([schema, environment.cores, read[0].value, read[1].value], [1, 2, 0.33333, 2000]);
  assertEquals(text.split("\n").filter((line) => line.includes("delay")).length, 2);
});

Deno.test("each library that is compared with has its program", () => {
  for (const { name } of Object.values(LIBRARIES).flat()) {
    assert(Deno.statSync(programOf(name)).isFile);
  }
});

Deno.test({
  name: "parentOf() and familyCpu() know the children of a process, and that one is gone",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const child = new Deno.Command("cat", { stdin: "piped", stdout: "null" }).spawn();
    assertEquals(parentOf(child.pid), Deno.pid);
    await child.stdin.close();
    await child.status;
    assertEquals([parentOf(child.pid), familyCpu(child.pid)], [NaN, 0]);
    assert(familyCpu(Deno.pid) > 0);
  },
});
