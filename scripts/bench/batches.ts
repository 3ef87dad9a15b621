// How fast a large batch is enqueued, and the memory that takes.
import type { Bench } from "./bench.ts";
import { atLeast, atMost, plainRow, ratioRow, type Row } from "./figures.ts";
import { Queue } from "./queue.ts";

/**
 * `enqueue --file`, from typing it to its end. Ids go to a file; on disk when it returns, as
 * always.
 */
export async function batches(bench: Bench): Promise<Row[]> {
  const [small, large] = bench.sizes;
  const enqueue = async (count: number) => {
    const queue = new Queue(bench.ground, `batch-${count}`);
    const { ids, seconds, peak } = await queue.fill(count);
    bench.keepWaiting(count, { queue, id: ids[count / 2]! });
    // What was written is on disk by then, but the journal of the file system may still be busy
    // with it.
    await bench.ground.settle();
    bench.say(`${count} in ${seconds.toFixed(1)} s`);
    return { rate: count / seconds, peak };
  };
  const name = (count: number) => `enqueue --file of ${count.toLocaleString("en-US")} lines`;
  const smalls: { rate: number; peak: number }[] = [];
  const larges: { rate: number; peak: number }[] = [];
  const yardsticks: number[] = [];
  for (let round = 0; round < bench.rounds(5, 2); round++) {
    smalls.push(await enqueue(small!));
    // Twice is enough of a million, once before and once after a small one.
    if (large === undefined || round >= 2) continue;
    larges.push(await enqueue(large));
    yardsticks.push(smalls.at(-1)!.rate);
  }
  const rows = [
    plainRow({
      what: `${name(small!)}, synced`,
      unit: "/s",
      values: smalls.map(({ rate }) => rate),
      target: atLeast(10_000, "value"),
    }),
    plainRow({
      what: `${name(small!)}, memory`,
      unit: "MB",
      values: smalls.map(({ peak }) => peak),
      target: atMost(150, "value"),
    }),
  ];
  if (larges.length === 0) return rows;
  return [
    ...rows,
    ratioRow({
      what: `${name(large!)}, synced`,
      unit: "/s",
      values: larges.map(({ rate }) => rate),
      yardstick: { name: "of 100,000", values: yardsticks },
      target: atLeast(0.9),
    }),
    plainRow({
      what: `${name(large!)}, memory`,
      unit: "MB",
      values: larges.map(({ peak }) => peak),
      target: atMost(200, "value"),
    }),
  ];
}
