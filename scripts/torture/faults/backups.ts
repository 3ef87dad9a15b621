// Backups, each restored into another folder, which is then checked and must have all jobs.
import { keyOf, type Scene } from "../scene.ts";
import type { Faults } from "./fault.ts";

export const BACKUPS: Faults = {
  backup: { weight: 2, strike: ({ scene, begin }) => begin(backup(scene)) },
};

let backups = 0;

async function backup(scene: Scene): Promise<void> {
  const target = `${scene.folder}/backup-${++backups}`;
  const before = [...scene.acknowledged];
  const { damages, hasDamage } = scene;
  const { code, stdout, stderr } = await scene.call(["storage", "backup", target]);
  scene.did("backups", `${target} ${code} ${stdout.trim()}${stderr.trim()}`);
  if (code === 0) {
    const unhurt = !hasDamage && damages === scene.damages;
    if (!await restore(scene, target, before, unhurt)) return; // it stays, for a person to look at
  } else if (code !== null && scene.damages === 0) scene.problem(`backup: ${stderr}`);
  remove(target);
}

/** What backup called good, restore takes. @returns whether all was well */
async function restore(
  scene: Scene,
  target: string,
  before: readonly string[],
  unhurt: boolean,
): Promise<boolean> {
  const dataDir = `${target}-restored`;
  const problems = scene.problems.length;
  const wrong = (text: string) => scene.problem(`${text} (backup: ${target})`);
  const restored = await scene.call(["storage", "restore", target], { dataDir });
  // Null: everything was killed at once.
  if (restored.code === 0) {
    scene.count("backups restored elsewhere");
    const check = await scene.call(["storage", "check"], { dataDir });
    if (check.code === 1 && unhurt) wrong(`storage check after restore: ${check.stdout}`);
    const list = await scene.call(["list", "--json"], { dataDir });
    if (list.code === 0) missing(scene, before, list.stdout, wrong);
    else if (list.code !== null) wrong(`list after restore: ${list.stderr}`);
  } else if (restored.code !== null) wrong(`restore: ${restored.stderr}`);
  if (scene.problems.length > problems) return false;
  remove(dataDir);
  return true;
}

/** Each job that was acknowledged before, and was neither removed nor damaged since, is there. */
function missing(
  scene: Scene,
  before: readonly string[],
  listed: string,
  wrong: (text: string) => void,
): void {
  const ids = new Set((JSON.parse(listed) as { id: string }[]).map(({ id }) => id));
  const gone = before.filter((key) => {
    const id = key.replace(/#.*/, "");
    return !ids.has(id) && !scene.damaged.has(id) && key === keyOf(id, scene.lives.get(id)) &&
      !scene.removed.has(key) && !scene.perhapsRemoved.has(key) && scene.hasJobFile(id);
  });
  if (gone.length > 0) wrong(`${gone.length} jobs are not in a backup, such as ${gone[0]}`);
}

function remove(folder: string): void {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
