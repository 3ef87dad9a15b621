// Three kinds of short jobs, from typing `start` to its end: many of each, and a thousand, where
// start-up counts for more. Beside xargs, which does the same work and keeps nothing but output.
import type { Bench } from "./bench.ts";
import { atLeast, atMost, missingRow, ratioRow, type Row } from "./figures.ts";
import type { Ground } from "./ground.ts";
import { beanstalkd, type Pace, whole } from "./peers.ts";
import { Queue } from "./queue.ts";
import { inTurns } from "./turns.ts";

interface Work {
  readonly command: string;
  /** Does `$1` of these by xargs, two at a time, in a folder of its own. */
  readonly xargs: string;
  /** The share of the rate of xargs that is to be reached, and at most so much of its CPU time. */
  readonly rate: number;
  readonly cpu: number;
}

const WORKS: readonly Work[] = [
  { command: "true", xargs: 'seq "$1" | xargs -P 2 -n 1 sh -c true', rate: 0.9, cpu: 1.3 },
  {
    command: "/bin/true a b",
    xargs: `seq "$1" | xargs -P 2 -n 1 sh -c '/bin/true a b'`,
    rate: 1.1,
    cpu: 1.0,
  },
  {
    command: "echo x; echo y >&2",
    // Output to a file each, as for a job.
    xargs: `cd "$2" && seq "$1" | xargs -P 2 -n 1 sh -c '{ echo x; echo y >&2; } >"$0" 2>&1'`,
    rate: 0.9,
    cpu: 1.3,
  },
];

/** The least share of the rate of xargs where a thousand jobs are done, start-up included. */
const SHORT = 0.75;

/** Many of each: rates and CPU time. */
export async function longRun(bench: Bench): Promise<Row[]> {
  const count = bench.pick(10_000, 2000);
  const rows: Row[] = [];
  for (const work of WORKS) {
    const { ours, xargs, beanstalkd } = await race(bench, work, count, bench.rounds(5, 1));
    const what = whatOf(work, count);
    rows.push(
      rateRow(what, ours, "xargs -P 2", xargs!, work.rate),
      ratioRow({
        what: `${what}: CPU time a job, all processes`,
        unit: "ms",
        values: ours!.map(({ cpu }) => cpu * 1000),
        yardstick: { name: "xargs -P 2", values: xargs!.map(({ cpu }) => cpu * 1000) },
        target: atMost(work.cpu),
      }),
    );
    if (work !== WORKS[0]) continue;
    rows.push(
      beanstalkd === undefined
        ? missingRow(`${what}, beside beanstalkd`, "/s", "beanstalkd or python3 is not installed")
        : rateRow(`${what}, beside beanstalkd`, ours, "beanstalkd", beanstalkd, 1),
    );
  }
  return rows;
}

/** A thousand of each. */
export async function shortRun(bench: Bench): Promise<Row[]> {
  const count = bench.pick(1000, 300);
  const rows: Row[] = [];
  for (const work of WORKS) {
    const { ours, xargs } = await race(bench, work, count, bench.rounds(7, 2));
    rows.push(rateRow(whatOf(work, count), ours, "xargs -P 2", xargs!, SHORT));
  }
  return rows;
}

async function race(
  { ground, say }: Bench,
  { command, xargs }: Work,
  count: number,
  rounds: number,
): Promise<{ ours: Pace[]; xargs?: Pace[]; beanstalkd?: Pace[] }> {
  const contenders: Record<string, () => Promise<Pace>> = {
    ours: () => ours(ground, command, count),
    xargs: () => whole(ground, count, xargs, ground.newFolder("xargs")),
  };
  const hasPeer = await ground.has("beanstalkd") && await ground.has("python3");
  if (hasPeer && command === "true") contenders.beanstalkd = () => beanstalkd(ground, count);
  return await inTurns(rounds, contenders, {
    told: (round) => say(`${command}: round ${round + 1}`),
  }) as { ours: Pace[] };
}

async function ours(ground: Ground, command: string, count: number): Promise<Pace> {
  const queue = new Queue(ground, "works");
  await queue.fill(count, command);
  const { seconds, cpu } = await ground.cost(queue.words("start", "--count=2", "--drain"), {
    limit: 600,
  });
  return { rate: count / seconds, cpu: cpu / count };
}

function rateRow(
  what: string,
  ours: readonly Pace[],
  name: string,
  others: readonly Pace[],
  least: number,
): Row {
  const rates = (paces: readonly Pace[]) => paces.map(({ rate }) => rate);
  return ratioRow({
    what,
    unit: "/s",
    values: rates(ours),
    yardstick: { name, values: rates(others) },
    target: name === "beanstalkd" ? atLeast(least, "every ratio") : atLeast(least),
  });
}

function whatOf({ command }: Work, count: number): string {
  return `${count.toLocaleString("en-US")} × ${command}, 2 workers, from typing start to its end`;
}
