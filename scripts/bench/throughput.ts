// How many jobs a second, and what CPU time a job takes, beside others that run commands.
import type { Bench } from "./bench.ts";
import { atLeast, atMost, missingRow, ratioRow, type Row } from "./figures.ts";
import { type Pace, PEERS, xargs } from "./peers.ts";
import { Queue } from "./queue.ts";
import { inTurns } from "./turns.ts";

const XARGS = "xargs -P 2";

/** A thousand jobs, from the first start to the last end. */
export async function throughput(bench: Bench): Promise<Row[]> {
  const { ground } = bench;
  const count = bench.pick(1000, 300);
  const contenders: Record<string, () => Promise<Pace>> = {
    queuectl: async () => {
      const queue = new Queue(ground, "thousand");
      const { ids } = await queue.fill(count);
      const { cpu } = await ground.cost(queue.words("start", "--count=2", "--drain"));
      return { rate: count / await queue.span(ids), cpu: cpu / count };
    },
    xargs: () => xargs(ground, count),
  };
  const missing: string[] = [];
  for (const [name, peer] of Object.entries(PEERS)) {
    if (await ground.has(name)) contenders[name] = () => peer(ground, count);
    else missing.push(name);
  }
  const samples = await inTurns(bench.rounds(9, 3), contenders, {
    told: (round) => bench.say(`round ${round + 1}`),
  });
  const rates = (name: string) => samples[name]!.map(({ rate }) => rate);
  const cpus = (name: string) => samples[name]!.map(({ cpu }) => cpu * 1000);
  const jobs = `${count.toLocaleString("en-US")} × true, 2 workers`;

  const beside = Object.keys(PEERS).map((name) => {
    const what = `${jobs}, beside ${name}`;
    if (missing.includes(name)) return missingRow(what, "/s", "it is not installed");
    const yardstick = { name, values: rates(name) };
    const isPeer = name === "tsp" || name === "nq";
    return ratioRow({
      what,
      unit: "/s",
      values: rates("queuectl"),
      yardstick,
      ...(isPeer && { target: atLeast(1, "every ratio") }),
    });
  });
  return [
    ratioRow({
      what: `${jobs}, first start to last end`,
      unit: "/s",
      values: rates("queuectl"),
      yardstick: { name: XARGS, values: rates("xargs") },
      target: atLeast(0.75),
    }),
    ...beside,
    ratioRow({
      what: `CPU time a job, all processes, ${count.toLocaleString("en-US")} jobs`,
      unit: "ms",
      values: cpus("queuectl"),
      yardstick: { name: XARGS, values: cpus("xargs") },
      target: atMost(1.4),
    }),
  ];
}

/** Ten thousand jobs, from typing `start` to its end. */
export async function longRun(bench: Bench): Promise<Row[]> {
  const { ground } = bench;
  const count = bench.pick(10_000, 2000);
  const samples = await inTurns<"queuectl" | "xargs", Pace>(bench.rounds(5, 1), {
    queuectl: async () => {
      const queue = new Queue(ground, "ten-thousand");
      await queue.fill(count);
      const { seconds, cpu } = await ground.cost(queue.words("start", "--count=2", "--drain"), {
        limit: 300,
      });
      return { rate: count / seconds, cpu: cpu / count };
    },
    xargs: () => xargs(ground, count),
  }, { told: (round) => bench.say(`round ${round + 1}`) });
  const jobs = count.toLocaleString("en-US");
  return [
    ratioRow({
      what: `${jobs} × true, 2 workers, from typing start to its end`,
      unit: "/s",
      values: samples.queuectl.map(({ rate }) => rate),
      yardstick: { name: XARGS, values: samples.xargs.map(({ rate }) => rate) },
      target: atLeast(0.7),
    }),
    ratioRow({
      what: `CPU time a job, all processes, ${jobs} jobs`,
      unit: "ms",
      values: samples.queuectl.map(({ cpu }) => cpu * 1000),
      yardstick: { name: XARGS, values: samples.xargs.map(({ cpu }) => cpu * 1000) },
      target: atMost(1.4),
    }),
  ];
}
