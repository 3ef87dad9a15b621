// How fast a store in Redis is, on a server on this machine, beside what comes with Redis.
import { RedisJobs } from "../../src/stores/redis/jobs.ts";
import { pathOf } from "../../tests/support/has_program.ts";
import { type RedisServer, startRedis } from "../../tests/support/redis_server.ts";
import type { Bench } from "./bench.ts";
import { atLeast, missingRow, ratioRow, type Row } from "./figures.ts";
import { newJobs } from "./new_jobs.ts";
import { inTurns } from "./turns.ts";

const CLIENTS = 2;

/** Of each way to write to the disk: the share of the SETs that is to be reached. */
const GOALS = { everysec: 0.15, always: 0.5 } as const;

/** Claim and finish. */
export async function redis(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [fsync, goal] of Object.entries(GOALS)) rows.push(await claims(bench, fsync, goal));
  return rows;
}

async function claims(bench: Bench, fsync: string, goal: number): Promise<Row> {
  const backlog = bench.pick(100_000, 20_000);
  const what = `Redis: claim and finish, ${CLIENTS} clients, ${backlog} waiting, ${fsync}`;
  if (pathOf("redis-benchmark") === undefined) {
    return missingRow(what, "/s", "redis-benchmark is not installed");
  }
  const server = await startRedis({ settings: ["--appendonly", "yes", "--appendfsync", fsync] });
  if (server === undefined) return missingRow(what, "/s", "no server can be had");
  try {
    const seconds = bench.pick(5, 1);
    const { own, theirs } = await inTurns(bench.rounds(6, 2), {
      own: async () => {
        await fill(server, backlog);
        return await rateOf(bench, server, seconds);
      },
      theirs: () => sets(bench, server, bench.pick(100_000, 10_000)),
    }, { warmUp: true });
    const yardstick = { name: "SET", values: theirs };
    return ratioRow({ what, unit: "/s", values: own, yardstick, target: atLeast(goal) });
  } finally {
    await server.tell("stop");
  }
}

/** Adds as many jobs as are missing of so many that wait. */
async function fill(server: RedisServer, count: number): Promise<void> {
  const connection = server.connect("queuectl");
  try {
    const jobs = new RedisJobs(connection);
    const { pending } = await jobs.count();
    await jobs.add(newJobs(count - pending));
  } finally {
    await connection.close();
  }
}

/** Jobs a second that clients of this program claim and finish. */
async function rateOf(bench: Bench, server: RedisServer, seconds: number): Promise<number> {
  const client = new URL("redis_client.ts", import.meta.url).pathname;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const words = [Deno.execPath(), "run", "-A", "--no-check", `--config=${config}`, client]
    .concat(`${server.folder}/s`, String(seconds));
  const all = await Promise.all(Array.from({ length: CLIENTS }, () => bench.ground.run(words)));
  return all.reduce((sum, { stdout }) => sum + Number(stdout), 0) / seconds;
}

/** SETs a second, by as many clients. */
async function sets(bench: Bench, server: RedisServer, count: number): Promise<number> {
  const { stdout } = await bench.ground.run(
    ["redis-benchmark", "-s", `${server.folder}/s`, "-t", "set", "-c", String(CLIENTS)]
      .concat("-n", String(count), "-d", "100", "--csv"),
  );
  const rate = Number(/^"SET","([\d.]+)"/m.exec(stdout)?.[1]);
  if (Number.isNaN(rate)) throw new Error(`redis-benchmark said ${stdout}`);
  return rate;
}
