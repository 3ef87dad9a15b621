// What settings of queues cost: those of another queue, a limit, and a thousand queues.
import type { Bench } from "./bench.ts";
import { atLeast, ratioRow, type Row } from "./figures.ts";
import { type Line, Queue } from "./queue.ts";
import { inTurns } from "./turns.ts";

const QUEUES = 1000;

export async function queues(bench: Bench): Promise<Row[]> {
  return [...await settings(bench), ...await manyQueues(bench)];
}

/** Drains of one queue: nothing is set of any; something of another; a limit of two on its own. */
async function settings(bench: Bench): Promise<Row[]> {
  const count = bench.pick(10_000, 1000);
  const drain = async (name: string, queue: string, ...set: string[]) => {
    const store = new Queue(bench.ground, name);
    const { ids } = await store.fill(count, { command: "true", queue });
    if (set.length > 0) await store.call(["queue", "set", ...set]);
    return await store.drain(ids);
  };
  const samples = await inTurns(bench.rounds(7, 2), {
    free: () => drain("unset", "own"),
    beside: () => drain("set-other", "own", "other", "--limit=1"),
    limited: () => drain("set-own", "own", "own", "--limit=2"),
  }, { told: (round) => bench.say(`settings, round ${round + 1}`) });
  const jobs = `${count.toLocaleString("en-US")} × true, 2 workers`;
  const yardstick = { name: "nothing is set", values: samples.free };
  return [
    ratioRow({
      what: `${jobs}, settings on another queue`,
      unit: "/s",
      values: samples.beside,
      yardstick,
      target: atLeast(0.97),
    }),
    ratioRow({
      what: `${jobs}, a limit of 2 on their queue`,
      unit: "/s",
      values: samples.limited,
      yardstick,
      target: atLeast(0.8),
    }),
  ];
}

/** As many jobs as queues: all in one queue, or each in its own, with a limit and without. */
async function manyQueues(bench: Bench): Promise<Row[]> {
  const count = bench.pick(QUEUES, 200);
  const drain = async (name: string, line: (n: number) => Line, limited: string[] = []) => {
    const store = new Queue(bench.ground, name);
    const { ids } = await store.fill(count, line);
    if (limited.length > 0) setLimits(store, limited);
    return await store.drain(ids);
  };
  const one = () => ({ command: "true", queue: "own" });
  const each = (n: number) => ({ command: "true", queue: `own-${n}` });
  const names = Array.from({ length: count }, (_, n) => `own-${n}`);
  const samples = await inTurns(bench.rounds(7, 2), {
    one: () => drain("one-queue", one),
    each: () => drain("many-queues", each),
    limitedOne: () => drain("one-limited", one, ["own"]),
    limitedEach: () => drain("many-limited", each, names),
  }, { told: (round) => bench.say(`many queues, round ${round + 1}`) });
  const many = count.toLocaleString("en-US");
  return [
    ratioRow({
      what: `${many} jobs in ${many} queues`,
      unit: "/s",
      values: samples.each,
      yardstick: { name: "in one", values: samples.one },
      target: atLeast(0.97),
    }),
    ratioRow({
      what: `${many} jobs in ${many} queues, a limit of 2 on each`,
      unit: "/s",
      values: samples.limitedEach,
      yardstick: { name: "in one, with it", values: samples.limitedOne },
    }),
  ];
}

/** As so many calls of `queue set` would. */
function setLimits({ dataDir }: Queue, names: readonly string[]): void {
  const queues = Object.fromEntries(names.map((name) => [name, { limit: 2 }]));
  const text = JSON.stringify({ schema: 1, queues });
  Deno.writeTextFileSync(`${dataDir}/queues.json`, text, { mode: 0o600 });
}
