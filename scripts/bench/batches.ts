// How fast a large batch is enqueued, and the memory that takes.
import type { Bench } from "./bench.ts";
import { atLeast, atMost, plainRow, ratioRow, type Row } from "./figures.ts";
import { Queue } from "./queue.ts";

/** What a batch was enqueued with: jobs a second, and the most memory, in MB. */
interface Sample {
  readonly rate: number;
  readonly peak: number;
}

/**
 * `enqueue --file`, from typing it to its end. Ids go to a file; on disk when it returns, as
 * always.
 */
export async function batches(bench: Bench): Promise<Row[]> {
  const [small, large] = bench.sizes;
  const smalls: Sample[] = [];
  const larges: Sample[] = [];
  const yardsticks: Sample[] = [];
  for (let round = 0; round < bench.rounds(5, 2); round++) {
    smalls.push(await enqueue(bench, small!));
    // Twice is enough of a million, once before and once after a small one.
    if (large === undefined || round >= 2) continue;
    larges.push(await enqueue(bench, large));
    yardsticks.push(smalls.at(-1)!);
  }
  const rows = [
    plainRow({
      what: `${nameOf(small!)}, synced`,
      unit: "/s",
      values: ratesOf(smalls),
      target: atLeast(10_000, "value"),
    }),
    memoryRow(small!, smalls, 150),
  ];
  if (large === undefined) return rows;
  return [
    ...rows,
    ratioRow({
      what: `${nameOf(large)}, synced`,
      unit: "/s",
      values: ratesOf(larges),
      yardstick: { name: "of 100,000", values: ratesOf(yardsticks) },
      target: atLeast(0.9),
    }),
    memoryRow(large, larges, 200),
  ];
}

async function enqueue(bench: Bench, count: number): Promise<Sample> {
  const queue = new Queue(bench.ground, `batch-${count}`);
  const { ids, seconds, peak } = await queue.fill(count);
  bench.keepWaiting(count, { queue, id: ids[count / 2]! });
  // What was written is on disk by then, but the journal of the file system may still be busy
  // with it.
  await bench.ground.settle();
  bench.say(`${count} in ${seconds.toFixed(1)} s`);
  return { rate: count / seconds, peak };
}

function memoryRow(count: number, samples: readonly Sample[], limit: number): Row {
  return plainRow({
    what: `${nameOf(count)}, memory`,
    unit: "MB",
    values: samples.map(({ peak }) => peak),
    target: atMost(limit, "value"),
  });
}

const nameOf = (count: number) => `enqueue --file of ${count.toLocaleString("en-US")} lines`;
const ratesOf = (samples: readonly Sample[]) => samples.map(({ rate }) => rate);
