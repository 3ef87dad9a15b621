// How many jobs a second, and what CPU time a job takes, beside others that run commands.
import type { Bench } from "./bench.ts";
import { atLeast, atMost, missingRow, ratioRow, type Row } from "./figures.ts";
import type { Ground } from "./ground.ts";
import { type Pace, PEERS, xargs } from "./peers.ts";
import { Queue } from "./queue.ts";
import { inTurns } from "./turns.ts";

const XARGS = "xargs -P 2";

/** A thousand jobs, from the first start to the last end. */
export async function throughput(bench: Bench): Promise<Row[]> {
  const { ground } = bench;
  const count = bench.pick(1000, 300);
  const contenders: Record<string, () => Promise<Pace>> = {
    queuectl: () => ours(ground, count),
    xargs: () => xargs(ground, count),
  };
  for (const [name, peer] of Object.entries(PEERS)) {
    if (await ground.has(name)) contenders[name] = () => peer(ground, count);
  }
  const samples = await inTurns(bench.rounds(9, 3), contenders, {
    told: (round) => bench.say(`round ${round + 1}`),
  });
  const rates = (name: string) => samples[name]!.map(({ rate }) => rate);
  const cpus = (name: string) => samples[name]!.map(({ cpu }) => cpu * 1000);
  const jobs = `${count.toLocaleString("en-US")} × true, 2 workers`;
  return [
    ratioRow({
      what: `${jobs}, first start to last end`,
      unit: "/s",
      values: rates("queuectl"),
      yardstick: { name: XARGS, values: rates("xargs") },
      target: atLeast(0.75),
    }),
    ...Object.keys(PEERS).map((name) => {
      const what = `${jobs}, beside ${name}`;
      const isThere = Object.hasOwn(samples, name);
      if (!isThere) return missingRow(what, "/s", "it is not installed");
      return rowBeside(what, rates("queuectl"), { name, values: rates(name) });
    }),
    ratioRow({
      what: `CPU time a job, all processes, ${count.toLocaleString("en-US")} jobs`,
      unit: "ms",
      values: cpus("queuectl"),
      yardstick: { name: XARGS, values: cpus("xargs") },
      target: atMost(1.4),
    }),
  ];
}

async function ours(ground: Ground, count: number): Promise<Pace> {
  const queue = new Queue(ground, "thousand");
  const { ids } = await queue.fill(count);
  const { cpu } = await ground.cost(queue.words("start", "--count=2", "--drain"));
  return { rate: count / await queue.span(ids), cpu: cpu / count };
}

/** Those that keep a queue, too, are to be reached in each round. */
function rowBeside(
  what: string,
  values: readonly number[],
  yardstick: { name: string; values: readonly number[] },
): Row {
  const isPeer = yardstick.name === "tsp" || yardstick.name === "nq";
  const target = isPeer ? { target: atLeast(1, "every ratio") } : {};
  return ratioRow({ what, unit: "/s", values, yardstick, ...target });
}
