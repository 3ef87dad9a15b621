// Watches from outside whether a queue with a limit lets its next job begin within a second when it
// has room and a worker is free. Rates are left out: when they open is not to be seen from here.
import { pause } from "../../src/exec/timer.ts";
import { freeWorkers, limitOf } from "./claims.ts";
import { idOf, queueOf, ticketsOn } from "./faults/tickets.ts";
import { uptime } from "./ledger.ts";
import { QUEUES } from "./queue_log.ts";
import type { Scene } from "./scene.ts";

const INTERVAL = 200;

/** The job that is the next of its queue, and since when nothing keeps it from beginning. */
interface Next {
  readonly id: string;
  readonly worker: string;
  readonly since: number;
}

/** Looks until `ending` aborts. */
export async function watchOpenings(scene: Scene, ending: AbortSignal): Promise<void> {
  const told = new Set<string>();
  let before = new Map<string, Next>();
  let last = performance.now();
  while (!ending.aborted) {
    await pause(INTERVAL);
    const at = performance.now();
    const isDisturbed = at - last > 5 * INTERVAL || Math.max(
          scene.frozenUntil,
          scene.disturbedUntil,
        ) > last;
    const now = nextOnes(scene, at);
    for (const [queue, next] of now) {
      const known = isDisturbed ? undefined : before.get(queue);
      if (known?.id === next.id && known.worker === next.worker) now.set(queue, known);
      scene.watched.openings++;
    }
    for (const [queue, { id, worker, since }] of now) {
      const limit = limitOf(scene);
      if (at - since <= limit || told.has(id)) continue;
      told.add(id);
      scene.problem(
        `room in a queue: job ${id} of ${queue} has been the next for ${(at - since).toFixed(0)} ` +
          `ms, which has room, while worker ${worker} is free (at most ${limit.toFixed(0)})`,
      );
    }
    [before, last] = [now, at];
  }
}

/** All tickets that may be claimed now, or are, by their queues. */
function ticketsByQueue(scene: Scene, shelves: readonly string[]): Map<string, string[]> {
  return Map.groupBy(shelves.flatMap((shelf) => ticketsOn(scene, shelf)), queueOf);
}

/** The next job of each queue that nothing keeps from beginning. */
function nextOnes(scene: Scene, since: number): Map<string, Next> {
  const held = scene.names(`${scene.dataDir}/queue/held`).map((name) => `held/${name}`);
  const waiting = ticketsByQueue(scene, ["ready", ...held]);
  const running = ticketsByQueue(scene, ["running"]);
  const found = new Map<string, Next>();
  for (const [queue, { rate }] of Object.entries(QUEUES)) {
    const names = waiting.get(queue)?.map((path) => path.slice(path.lastIndexOf("/") + 1)) ?? [];
    const id = idOf(names.sort()[0] ?? "");
    if (rate !== undefined || id === undefined || scene.ledger.damaged.has(id)) continue;
    const count = running.get(queue)?.length ?? 0;
    const possible = scene.queues.possibleAt(queue, id, uptime());
    if (possible.some(({ limit, paused }) => paused || count >= limit)) continue;
    const worker = freeWorkers(scene, queue)[0];
    if (worker !== undefined) found.set(queue, { id, worker, since });
  }
  return found;
}
