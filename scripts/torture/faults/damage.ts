// Files of the data folder that are damaged: those of jobs, tickets, and what workers say of
// themselves.
import type { Random } from "../random.ts";
import type { Scene } from "../scene.ts";
import type { Faults } from "./fault.ts";
import { idOn, ticketOn } from "./tickets.ts";

export const DAMAGE: Faults = {
  damageJob: { weight: 4, strike: ({ scene }, random) => damageJob(scene, random) },
  damageTicket: { weight: 2, strike: ({ scene }, random) => damageTicket(scene, random) },
  damageRecord: { weight: 3, strike: ({ scene }, random) => damageRecord(scene, random) },
};

/** Damages the file of a job, in any state. */
function damageJob(scene: Scene, random: Random): void {
  const [draw, cut] = [random.next(), random.next()];
  const how = random.weighted({ torn: 3, cut: 3, garbage: 2, emptied: 2, deleted: 3 });
  const shelf = random.pick(["running", "running", "waiting", "waiting", "completed", "dead"])!;
  const id = idOn(scene, shelf, draw);
  if (id === undefined) return;
  const path = scene.jobFile(id);
  // What was lost once is not there to be saved when the file is deleted later.
  const before = scene.ledger.damaged.get(id);
  if (before === undefined || isMendable(before)) scene.ledger.damaged.set(id, how);
  scene.damages++;
  scene.did("files damaged", `${path} ${how}, ${shelf}`);
  try {
    const { size } = Deno.statSync(path);
    if (how === "torn") {
      Deno.writeTextFileSync(path, '{"at":"2026-', { append: true, create: false });
    } else if (how === "cut") Deno.truncateSync(path, Math.floor(cut * size));
    else if (how === "garbage") {
      const bytes = crypto.getRandomValues(new Uint8Array(Math.min(size, 1000)));
      using file = Deno.openSync(path, { write: true });
      file.writeSync(bytes);
    } else if (how === "emptied") Deno.truncateSync(path, 0);
    else Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // removed meanwhile
  }
}

/** Deletes the ticket of a job that waits or has ended, or puts something among the tickets. */
function damageTicket(scene: Scene, random: Random): void {
  const shelf = random.pick(["waiting", "waiting", "completed", "dead", "cancelled"])!;
  const [draw, strange] = [random.next(), random.chance(0.2)];
  const path = ticketOn(scene, shelf, draw);
  if (path === undefined) return;
  scene.damages++;
  scene.did("files damaged", `${path} ${strange ? "given a strange neighbour" : "deleted"}`);
  try {
    if (strange) Deno.writeTextFileSync(`${path}.strange\n`, "what is this?");
    else Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // moved on meanwhile
  }
}

/** Damages what a worker or supervisor says of itself. */
function damageRecord(scene: Scene, random: Random): void {
  const folder = `${scene.dataDir}/workers`;
  const file = random.pick(scene.names(folder).filter((name) => name.endsWith(".json")));
  const how = random.weighted({ garbage: 1, emptied: 1, deleted: 2 });
  if (file === undefined) return;
  scene.damages++;
  scene.did("files damaged", `${file} ${how}`);
  try {
    if (how === "deleted") Deno.removeSync(`${folder}/${file}`);
    else {
      Deno.writeTextFileSync(`${folder}/${file}`, how === "garbage" ? '{"pid": \u0001' : "", {
        create: false,
      });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Whether a file that was damaged so can be saved. */
export function isMendable(how: string): boolean {
  return how === "deleted" || how === "torn";
}
