// How soon an idle worker begins with a job.
import type { Bench } from "./bench.ts";
import { atMost, median, plainRow, quantile, type Row } from "./figures.ts";
import { pause } from "../../src/exec/timer.ts";
import { until } from "./ground.ts";
import { exists, Queue } from "./queue.ts";

/** Milliseconds that a worker has to become idle again. */
const REST = 150;

/**
 * From the end of `enqueue` to the job's first instruction. Both moments are told by `date`, which
 * a shell turns into as soon as `enqueue` has ended, and the job as soon as it begins: what it
 * costs to start it (a millisecond) is in both, and falls out. A file's own time would be off by up
 * to a tick of the kernel (4 ms). Below zero: the job began before `enqueue` had ended, as it may
 * once the job is in the queue.
 */
export async function latency(bench: Bench): Promise<Row[]> {
  const queue = new Queue(bench.ground, "latency");
  return await latencyOf(bench, queue, "idle worker", 10);
}

/** The same of any queue. `goal`: milliseconds that the median may take. */
export async function latencyOf(
  bench: Bench,
  queue: Queue,
  who: string,
  goal: number,
): Promise<Row[]> {
  await queue.fill(2);
  const worker = queue.start("--count=1");
  const values: number[] = [];
  try {
    // One that has run jobs before, as those that wait mostly have.
    await sample(queue, 0);
    for (let n = 1; n <= bench.pick(100, 20); n++) {
      await pause(REST);
      values.push(await sample(queue, n));
    }
  } finally {
    await worker.end();
  }
  const what = `${who}, end of enqueue to the job's first instruction`;
  return [
    plainRow({
      what: `${what}, median`,
      unit: "ms",
      values,
      value: median(values),
      target: atMost(goal, "value"),
    }),
    plainRow({
      what: `${what}, 99th of ${values.length}`,
      unit: "ms",
      values: values.toSorted((a, b) => a - b),
      value: quantile(values, 0.99),
      target: atMost(50, "value"),
    }),
  ];
}

/** Milliseconds from the one to the other. */
async function sample(queue: Queue, n: number): Promise<number> {
  const file = `${queue.folder}/begun-${n}`;
  // The file is whole when it has its last name.
  const job = `date +%s%N >'${file}.part'; mv '${file}.part' '${file}'`;
  const { stdout } = await queue.ground.shell(
    '"$@" >/dev/null && exec date +%s%N',
    queue.words("enqueue", job),
  );
  await until(() => exists(file), "the job has begun", 30);
  return Number(BigInt(Deno.readTextFileSync(file).trim()) - BigInt(stdout.trim())) / 1e6;
}
