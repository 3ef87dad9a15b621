// Finds jobs by the names in the data folder, with code of its own: what is tested is not trusted.
import type { Scene } from "../scene.ts";

/** A job that was acknowledged; the later ones more often, since they wait or run. */
export function anId(scene: Scene, draw: number): string | undefined {
  const keys = [...scene.acknowledged];
  const key = keys[keys.length - 1 - Math.floor(draw * draw * Math.min(keys.length, 200))];
  return key?.replace(/#.*/, "");
}

/** The path of a ticket on that shelf. */
export function ticketOn(scene: Scene, shelf: string, draw: number): string | undefined {
  const folder = `${scene.dataDir}/queue/${shelf}`;
  const paths = scene.names(folder).flatMap((bucket) =>
    scene.names(`${folder}/${bucket}`).map((name) => `${folder}/${bucket}/${name}`)
  ).filter((path) => idOf(path) !== undefined);
  return paths[Math.floor(draw * paths.length)];
}

/** The id of a job by a ticket of it on that shelf. */
export function idOn(scene: Scene, shelf: string, draw: number): string | undefined {
  return idOf(ticketOn(scene, shelf, draw) ?? "");
}

/** The id in the name of a ticket. */
export function idOf(ticket: string): string | undefined {
  return /^(?:.*\/)?(?:\d+\.){4}[a-z]\d*\.([\w.-]+)$/.exec(ticket)?.[1];
}
