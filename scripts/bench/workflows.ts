// Jobs that wait for others: what the end of one costs for which many wait, for the worker that ran
// it and for what is ready beside them, and how fast jobs go on that wait for one another in a row.
import type { Attempt } from "../../src/queue/outcome.ts";
import type { Bench } from "./bench.ts";
import { atMost, plainRow, ratioRow, type Row } from "./figures.ts";
import { Queue } from "./queue.ts";
import { inTurns } from "./turns.ts";

interface Fan {
  /** Milliseconds from the end of the one that all wait for to the next job of its worker. */
  readonly next: number;
  /** The same, to the first of those that waited for it. */
  readonly first: number;
  /** Those that waited, jobs a second, from that end to their last. */
  readonly rate: number;
  /** Of what was ready beside them: the longest time in which no worker began one. */
  readonly gap: number;
}

export async function workflows(bench: Bench): Promise<Row[]> {
  const wide = bench.pick(10_000, 2000);
  const long = bench.pick(1000, 200);
  const samples = await inTurns<"alone" | "beside" | "line" | "unrelated", Fan | number>(
    bench.rounds(5, 2),
    {
      alone: () => fanOut(bench, wide, 0),
      beside: () => fanOut(bench, wide, wide / 2),
      line: () => line(bench, long, true),
      unrelated: () => line(bench, long, false),
    },
    { told: (round) => bench.say(`round ${round + 1}`) },
  );
  const fans = (name: "alone" | "beside", figure: keyof Fan) =>
    (samples[name] as Fan[]).map((fan) => fan[figure]);
  const many = `the end of a job that ${wide.toLocaleString("en-US")} wait for`;
  const ms = (what: string, values: number[]) =>
    plainRow({ what, unit: "ms", values, target: atMost(200, "value") });
  return [
    ms(`${many}: until its worker begins another`, fans("alone", "next")),
    ms(`${many}: until the first of them begins`, fans("alone", "first")),
    ms(`… beside ready jobs: until its worker begins another`, fans("beside", "next")),
    ms(`… beside ready jobs: longest time in which none begins`, fans("beside", "gap")),
    plainRow({
      what: `${wide.toLocaleString("en-US")} that wait for one, from its end to their last`,
      unit: "/s",
      values: fans("alone", "rate"),
    }),
    ratioRow({
      what: `${long.toLocaleString("en-US")} jobs that wait for one another, in a row`,
      unit: "/s",
      values: samples.line as number[],
      yardstick: { name: "one worker, not waiting", values: samples.unrelated as number[] },
    }),
  ];
}

/** One job, many that wait for it, and some that are ready and come before these. */
async function fanOut(bench: Bench, count: number, beside: number): Promise<Fan> {
  const queue = new Queue(bench.ground, "fan-out");
  const { ids } = await queue.fillWith([
    { command: "true", id: "root", priority: 2 },
    ...Array<Record<string, unknown>>(beside).fill({ command: "true", priority: 1 }),
    ...Array<Record<string, unknown>>(count).fill({ command: "true", after: ["root"] }),
  ]);
  await bench.ground.settle();
  await bench.ground.cost(queue.words("start", "--count=2", "--drain"));
  const [root, ...others] = await queue.attempts(ids);
  const [ready, waited] = [others.slice(0, beside), others.slice(beside)];
  const end = root!.endedAt;
  const starts = (jobs: readonly Attempt[]) => jobs.map(({ startedAt }) => startedAt);
  const next = starts(others.filter(({ worker }) => worker === root!.worker));
  return {
    next: least(next) - end,
    first: least(starts(waited)) - end,
    rate: count / ((-least(waited.map(({ endedAt }) => -endedAt)) - end) / 1000),
    gap: longestGap(starts(ready)),
  };
}

function least(times: readonly number[]): number {
  return times.reduce((a, b) => Math.min(a, b), Infinity);
}

function longestGap(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted.reduce((most, time, i) => Math.max(most, time - (sorted[i - 1] ?? time)), 0);
}

/** Jobs a second of one worker, from the first start to the last end. */
async function line(bench: Bench, count: number, isLine: boolean): Promise<number> {
  const queue = new Queue(bench.ground, "line");
  const { ids } = await queue.fillWith(
    Array.from({ length: count }, (_, i) => ({
      command: "true",
      id: `n${i}`,
      after: isLine && i > 0 ? [`n${i - 1}`] : [],
    })),
  );
  await bench.ground.settle();
  await bench.ground.cost(queue.words("start", "--count=1", "--drain"));
  return count / await queue.span(ids);
}
