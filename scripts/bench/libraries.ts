// Libraries that keep a queue on a server, with a handler that runs `true` by `sh -c`, two at a
// time. $QUEUECTL_BENCH_PEERS names the folder in whose node_modules they are installed.
import type { Ground } from "./ground.ts";
import type { Pace } from "./peers.ts";
import type { Server } from "./server.ts";

export interface Library {
  /** The name of its package. */
  readonly name: string;
  /** How many jobs it takes, and ends, in one step. What is killed leaves so many to be run again. */
  readonly batch: number;
}

/** Which there are for each server. */
export const LIBRARIES: Readonly<Record<Server["name"], readonly Library[]>> = {
  PostgreSQL: [
    { name: "graphile-worker", batch: 1 },
    { name: "graphile-worker", batch: 50 },
    // One by one it looks for a job every half a second.
    { name: "pg-boss", batch: 50 },
  ],
  Redis: [{ name: "bullmq", batch: 1 }],
};

/** The program for node by which a library is measured. */
export function programOf(name: string): string {
  return new URL(`peers/${name.replaceAll("-", "_")}.mjs`, import.meta.url).pathname;
}

/** Why a library is left out here; undefined if it is not. */
export async function missingLibrary(
  ground: Ground,
  { name }: Library,
): Promise<string | undefined> {
  const folder = Deno.env.get("QUEUECTL_BENCH_PEERS");
  if (folder === undefined) return "QUEUECTL_BENCH_PEERS names no folder";
  if (!await ground.has("node")) return "node is not installed";
  const isThere = await Deno.stat(`${folder}/node_modules/${name}`).then(() => true, () => false);
  return isThere ? undefined : `it is not in ${folder}/node_modules`;
}

/**
 * Enqueues so many jobs in a library.
 * @param store the URL of a place on the server
 * @returns does them in two processes, one at a time in each: from the start of both to their ends
 */
export async function filledLibrary(
  ground: Ground,
  { name, batch }: Library,
  store: string,
  count: number,
): Promise<() => Promise<Pace>> {
  const folder = Deno.realPathSync(Deno.env.get("QUEUECTL_BENCH_PEERS")!);
  const words = ["node", programOf(name), folder, store];
  await ground.run([...words, "fill", String(count)]);
  return async () => {
    const both = '"$@" & "$@" && wait $!';
    const work = ["/bin/sh", "-c", both, "sh", ...words, "work", String(batch)];
    const { seconds, cpu } = await ground.cost(work, { limit: 600 });
    const left = (await ground.run([...words, "left"])).stdout.trim();
    if (left !== "0") throw new Error(`${name} has left ${left} of ${count} jobs`);
    return { rate: count / seconds, cpu: cpu / count };
  };
}
