// What users see of a queue on a server of this machine: how fast it is drained, beside libraries
// that keep a queue on the same server, and how soon an idle worker begins.
import type { Bench } from "./bench.ts";
import { atLeast, missingRow, ratioRow, type Row } from "./figures.ts";
import type { Ground } from "./ground.ts";
import { latencyOf } from "./latency.ts";
import { filledLibrary, LIBRARIES, missingLibrary } from "./libraries.ts";
import { type Pace, xargs } from "./peers.ts";
import { Queue } from "./queue.ts";
import { onServers, type Server } from "./server.ts";
import { inTurns } from "./turns.ts";

const XARGS = "xargs -P 2";

/** Drains and idle workers. */
export async function servers(bench: Bench): Promise<Row[]> {
  return await onServers(async (server) => {
    const rows = await drains(bench, server);
    const queue = new Queue(bench.ground, `idle-${server.name}`, await server.newPlace());
    return [...rows, ...await latencyOf(bench, queue, `${server.name}: idle worker`, 5)];
  });
}

/** A pace, and the CPU seconds of the server for a job. */
type Served = Pace & { readonly served: number };

/** From typing `start` to its end, each time in a queue of its own. */
async function drains(bench: Bench, server: Server): Promise<Row[]> {
  const { ground } = bench;
  const count = bench.pick(10_000, 500);
  const served = (fill: Filling) => async (): Promise<Served> => {
    const work = await fill(await server.newPlace());
    const before = await server.cpu();
    const pace = await work();
    return { ...pace, served: (await server.cpu() - before) / count };
  };
  const contenders: Record<string, () => Promise<Served>> = {
    own: served((store) => filledQueue(ground, store, count)),
    [XARGS]: async () => ({ ...await xargs(ground, count), served: 0 }),
  };
  const missing: Row[] = [];
  const what = `${server.name}: ${count.toLocaleString("en-US")} × true, 2 workers, typed`;
  for (const library of LIBRARIES[server.name]) {
    const { batch } = library;
    const name = batch > 1 ? `${library.name}, ${batch} at once` : library.name;
    const why = await missingLibrary(ground, library);
    if (why !== undefined) missing.push(missingRow(`${what}, beside ${name}`, "/s", why));
    else contenders[name] = served((store) => filledLibrary(ground, library, store, count));
  }
  const { own, ...others } = await inTurns(bench.rounds(5, 2), contenders, {
    told: (round) => bench.say(`${server.name}, round ${round + 1}`),
  });
  return [
    ...Object.entries(others).flatMap(([name, them]) => rowsBeside(what, own!, name, them)),
    ...missing,
  ];
}

/** Enqueues jobs in that place. @returns does them */
type Filling = (store: string) => Promise<() => Promise<Pace>>;

async function filledQueue(
  ground: Ground,
  store: string,
  count: number,
): Promise<() => Promise<Pace>> {
  const queue = new Queue(ground, "drain", store);
  await queue.fill(count);
  return async () => {
    const words = queue.words("start", "--count=2", "--drain");
    const { seconds, cpu } = await ground.cost(words, { limit: 600 });
    return { rate: count / seconds, cpu: cpu / count };
  };
}

/** Of the server's CPU time only where the other one has a server, too. */
function rowsBeside(
  what: string,
  own: readonly Served[],
  name: string,
  others: readonly Served[],
): Row[] {
  const row = (figure: string, of: (pace: Served) => number, more: object) =>
    ratioRow({
      what: `${what}${figure}`,
      unit: "ms",
      values: own.map(of),
      yardstick: { name, values: others.map(of) },
      ...more,
    });
  const target = name === XARGS ? atLeast(0.4) : atLeast(1, "every ratio");
  return [
    row("", ({ rate }) => rate, { unit: "/s", target }),
    row(": CPU time a job, server included", ({ cpu, served }) => (cpu + served) * 1000, {}),
    ...name === XARGS
      ? []
      : [row(": the server's CPU time a job", ({ served }) => served * 1000, {})],
  ];
}
