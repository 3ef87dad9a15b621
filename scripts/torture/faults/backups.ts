// Backups, each restored into another folder, which is then checked and must have all jobs.
import type { Ended } from "../program.ts";
import { keyOf } from "../ledger.ts";
import type { Scene } from "../scene.ts";
import { killedAfter } from "./commands.ts";
import type { Faults } from "./fault.ts";

export const BACKUPS: Faults = {
  backup: {
    weight: 2,
    strike: ({ scene, begin }, random) =>
      begin(backup(scene, random.chance(0.3) ? random.between(20, 250) : undefined)),
  },
};

let backups = 0;

/** @param dies after how many milliseconds a first try to restore it is killed, if at all */
async function backup(scene: Scene, dies: number | undefined): Promise<void> {
  const target = `${scene.folder}/backup-${++backups}`;
  const before = [...scene.ledger.acknowledged.keys()];
  const { damages, hasDamage } = scene;
  const { code, stdout, stderr } = await scene.call(["storage", "backup", target]);
  scene.did("backups", `${target} ${code} ${stdout.trim()}${stderr.trim()}`);
  const unhurt = !hasDamage && damages === scene.damages;
  if (code === 0) {
    const words = ["storage", "restore", target, "--confirm"];
    const dataDir = `${target}-restored`;
    if (dies !== undefined) await killedAfter(scene, words, dies, { dataDir });
    const restored = await scene.call(words, { dataDir });
    // What is wrong stays, for a person to look at.
    if (!await isRestored(scene, target, restored, before, unhurt)) return;
    remove(dataDir);
  } else if (code !== null && unhurt) scene.problem(`backup: ${stderr}`);
  remove(target);
}

/** What backup called good, restore takes; what is restored is whole. */
async function isRestored(
  scene: Scene,
  target: string,
  restored: Ended,
  before: readonly string[],
  unhurt: boolean,
): Promise<boolean> {
  const dataDir = `${target}-restored`;
  const problems = scene.problems.length;
  const wrong = (text: string) => scene.problem(`${text} (backup: ${target})`);
  // Null: everything was killed at once.
  if (restored.code === null) return true;
  if (restored.code !== 0) wrong(`restore: ${restored.stderr}`);
  else {
    scene.count("backups restored elsewhere");
    const check = await scene.call(["storage", "check"], { dataDir });
    if (check.code === 1 && unhurt) wrong(`storage check after restore: ${check.stdout}`);
    const list = await scene.call(["list", "--json"], { dataDir });
    if (list.code === 0) missing(scene, before, list.stdout, wrong);
    else if (list.code !== null) wrong(`list after restore: ${list.stderr}`);
  }
  return scene.problems.length === problems;
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
    return !ids.has(id) && !scene.ledger.damaged.has(id) &&
      key === keyOf(id, scene.ledger.lives.get(id)) &&
      !scene.ledger.removed.has(key) && !scene.ledger.perhapsRemoved.has(key) &&
      scene.hasJobFile(id);
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
