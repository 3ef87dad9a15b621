// Finds jobs by the names in the data folder, with code of its own: what is tested is not trusted.
import { idOfKey } from "../ledger.ts";
import { queueOfKey } from "../queue_log.ts";
import type { Scene } from "../scene.ts";

/** A job that was acknowledged; the later ones more often, since they wait or run. */
export function anId(scene: Scene, draw: number): string | undefined {
  const keys = [...scene.ledger.acknowledged.keys()];
  const key = keys[keys.length - 1 - Math.floor(draw * draw * Math.min(keys.length, 200))];
  return key === undefined ? undefined : idOfKey(key);
}

/** The paths of the tickets on that shelf. */
export function ticketsOn(scene: Scene, shelf: string): string[] {
  const folder = `${scene.dataDir}/queue/${shelf}`;
  return scene.names(folder).flatMap((bucket) =>
    scene.names(`${folder}/${bucket}`).map((name) => `${folder}/${bucket}/${name}`)
  ).filter((path) => idOf(path) !== undefined);
}

/** All that wait, for their time, their turn, their queue, or other jobs. */
export function waitingTickets(scene: Scene): string[] {
  const held = scene.names(`${scene.dataDir}/queue/held`).map((queue) => `held/${queue}`);
  return ["ready", "later", "blocked", ...held].flatMap((shelf) => ticketsOn(scene, shelf));
}

/** How many jobs of a queue wait. */
export function waitingIn(scene: Scene, queue: string): number {
  return waitingTickets(scene).filter((path) => queueOf(path) === queue).length;
}

/** The path of a ticket on that shelf. */
export function ticketOn(scene: Scene, shelf: string, draw: number): string | undefined {
  const paths = shelf === "waiting" ? waitingTickets(scene) : ticketsOn(scene, shelf);
  return paths[Math.floor(draw * paths.length)];
}

/** The id of a job by a ticket of it on that shelf; `waiting` is all of those that wait. */
export function idOn(scene: Scene, shelf: string, draw: number): string | undefined {
  return idOf(ticketOn(scene, shelf, draw) ?? "");
}

const TICKET = /^(?:.*\/)?(?:\d+\.){4}[a-z]\d*\.([\w.-]+)(?:@([\w.=-]+))?$/;

/** The id in the name of a ticket. */
export function idOf(ticket: string): string | undefined {
  return TICKET.exec(ticket)?.[1];
}

/** The queue in the name of a ticket of a job that has not ended. */
export function queueOf(ticket: string): string {
  return queueOfKey(TICKET.exec(ticket)?.[2] ?? "default");
}

/** The ids of jobs of a queue that are claimed and have not noted since that they run. */
export function claimedIn(scene: Scene, queue: string): string[] {
  return ticketsOn(scene, "running").filter((path) => queueOf(path) === queue)
    .map((path) => idOf(path)!).filter((id) => !runs(scene, id));
}

/** Whether the last that a job has noted is a begin. */
function runs(scene: Scene, id: string): boolean {
  try {
    const lines = Deno.readTextFileSync(`${scene.notes}/${id}`).split("\n");
    return lines.findLast((line) => /^(?:begin|end) /.test(line))?.startsWith("begin ") ?? false;
  } catch {
    return false;
  }
}
