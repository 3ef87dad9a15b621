// What users see of a queue on a server of this machine, which writes to the disk as it should: how
// fast it is drained, and how soon an idle worker begins.
import { startPostgres } from "../../tests/support/postgres_server.ts";
import { startRedis } from "../../tests/support/redis_server.ts";
import type { Bench } from "./bench.ts";
import { atLeast, missingRow, ratioRow, type Row } from "./figures.ts";
import { latencyOf } from "./latency.ts";
import { xargs } from "./peers.ts";
import { Queue } from "./queue.ts";
import { inTurns } from "./turns.ts";

const SERVERS = {
  PostgreSQL: () => startPostgres({ settings: [] }),
  Redis: () => startRedis(),
} as const;

/** Drains and idle workers. */
export async function servers(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, start] of Object.entries(SERVERS)) {
    const server = await start();
    if (server === undefined) {
      rows.push(missingRow(name, "/s", "no server can be had"));
      continue;
    }
    try {
      rows.push(await drain(bench, name, server.url()));
      const queue = new Queue(bench.ground, `idle-${name}`, server.url());
      rows.push(...await latencyOf(bench, queue, `${name}: idle worker`, 5));
    } finally {
      await server.tell("stop");
    }
  }
  return rows;
}

/** From typing `start` to its end. */
async function drain(bench: Bench, name: string, store: string): Promise<Row> {
  const { ground } = bench;
  const count = bench.pick(10_000, 500);
  const { own, theirs } = await inTurns(bench.rounds(5, 2), {
    own: async () => {
      const queue = new Queue(ground, "drain", store);
      await queue.fill(count);
      const { seconds } = await ground.cost(queue.words("start", "--count=2", "--drain"), {
        limit: 600,
      });
      return count / seconds;
    },
    theirs: async () => (await xargs(ground, count)).rate,
  }, { told: (round) => bench.say(`${name}, round ${round + 1}`) });
  return ratioRow({
    what: `${name}: ${count.toLocaleString("en-US")} × true, 2 workers, typed`,
    unit: "/s",
    values: own,
    yardstick: { name: "xargs -P 2", values: theirs },
    target: atLeast(0.4),
  });
}
