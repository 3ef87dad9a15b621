// What a queue takes of the machine that is not for jobs: memory, and the CPU time of workers that
// have nothing to do.
import type { Bench } from "./bench.ts";
import { atMost, missingRow, plainRow, type Row } from "./figures.ts";
import { pause } from "../../src/exec/timer.ts";
import { type Running, until } from "./ground.ts";
import { cpuOf, memoryOf } from "./proc.ts";
import { Queue } from "./queue.ts";

/** Seconds in which workers settle down. */
const SETTLE = 3;

/**
 * The most that a worker and the supervisor ever had, resident, with what they share counted in
 * each: doing jobs, then idle.
 */
export async function memory(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  const queue = new Queue(bench.ground, "memory");
  rows.push(
    ...await memoryOn(
      bench,
      queue,
      () => queue.drainInFront(bench.pick(1000, 300)),
      "1,000 jobs, then idle",
    ),
  );
  for (const size of bench.sizes) {
    const { queue } = await bench.waiting(size);
    const many = `a backlog of ${size.toLocaleString("en-US")}`;
    rows.push(...await memoryOn(bench, queue, () => pause(bench.pick(15, 3) * 1000), many));
  }
  return rows;
}

async function memoryOn(
  bench: Bench,
  queue: Queue,
  work: () => Promise<unknown>,
  when: string,
): Promise<Row[]> {
  bench.say(`memory: ${when}`);
  const supervisor = queue.start("--count=2");
  try {
    await until(() => workersOf(bench, supervisor).length === 2, "two workers are there");
    await work();
    await pause(1000);
    const workers = workersOf(bench, supervisor).map((pid) => memoryOf(pid)?.peak ?? NaN);
    const own = memoryOf(supervisor.pid)?.peak ?? NaN;
    const target = atMost(60, "value");
    return [
      plainRow({
        what: `memory of a worker, ${when}`,
        unit: "MB",
        values: workers,
        value: Math.max(...workers),
        target,
      }),
      plainRow({ what: `memory of the supervisor, ${when}`, unit: "MB", values: [own], target }),
    ];
  } finally {
    await supervisor.end();
  }
}

function workersOf({ ground }: Bench, supervisor: Running): number[] {
  return ground.processes().filter(({ parent }) => parent === supervisor.pid).map(({ pid }) => pid);
}

/**
 * The CPU time of `start --count 4` and all its processes, as a share of one core, while there is
 * nothing to do.
 */
export async function idle(bench: Bench): Promise<Row[]> {
  const queue = new Queue(bench.ground, "idle");
  const supervisor = queue.start("--count=4");
  const seconds = bench.pick(60, 8);
  const what = `an idle start --count 4 for ${seconds} s`;
  try {
    await until(() => workersOf(bench, supervisor).length === 4, "four workers are there");
    await pause(SETTLE * 1000);
    const pids = bench.ground.processes().map(({ pid }) => pid);
    const used = () => pids.reduce((sum, pid) => sum + cpuOf(pid), 0);
    const [before, begin] = [used(), performance.now()];
    await pause(seconds * 1000);
    const share = (used() - before) / ((performance.now() - begin) / 1000) * 100;
    if (pids.length < 5) return [missingRow(what, "%", "its processes were not found")];
    return [plainRow({ what, unit: "%", values: [share], target: atMost(1, "value") })];
  } finally {
    await supervisor.end();
  }
}
