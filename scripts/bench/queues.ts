// What settings of queues cost: those of another queue, a limit, and a thousand queues.
import type { Bench } from "./bench.ts";
import type { Row } from "./figures.ts";
import { paceRows } from "./pace.ts";
import { Queue } from "./queue.ts";
import { inTurns } from "./turns.ts";

const QUEUES = 1000;
const FREE = "nothing is set";

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
  return [
    ...paceRows(`${jobs}, settings on another queue`, samples.beside, FREE, samples.free, 0.97),
    ...paceRows(`${jobs}, a limit of 2 on their queue`, samples.limited, FREE, samples.free, 0.8),
  ];
}

/** As many jobs as queues: all in one queue, or each in its own, with a limit and without. */
async function manyQueues(bench: Bench): Promise<Row[]> {
  const count = bench.pick(QUEUES, 200);
  const drain = async (
    name: string,
    line: (n: number) => Record<string, unknown>,
    limited: string[] = [],
  ) => {
    const store = new Queue(bench.ground, name);
    const { ids } = await store.fillWith(Array.from({ length: count }, (_, n) => line(n)));
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
  const what = `${count.toLocaleString("en-US")} jobs, each in a queue of its own`;
  const { one: inOne, limitedOne, each: inEach, limitedEach } = samples;
  return [
    ...paceRows(what, inEach, "all in one", inOne, 0.97),
    ...paceRows(`${what} with a limit of 2`, limitedEach, "all in one with it", limitedOne),
  ];
}

/** As so many calls of `queue set` would. */
function setLimits({ dataDir }: Queue, names: readonly string[]): void {
  const queues = Object.fromEntries(names.map((name) => [name, { limit: 2 }]));
  const text = JSON.stringify({ schema: 1, queues });
  Deno.writeTextFileSync(`${dataDir}/queues.json`, text, { mode: 0o600 });
}
