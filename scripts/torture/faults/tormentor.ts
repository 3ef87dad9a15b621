// Does one fault after another to a queue at work, as the seed says.
import { pause } from "../../../src/exec/timer.ts";
import type { Random } from "../random.ts";
import type { Scene } from "../scene.ts";
import { BACKUPS } from "./backups.ts";
import { COMMANDS } from "./commands.ts";
import { DAMAGE } from "./damage.ts";
import type { Archive, Faults, Stage } from "./fault.ts";
import { FREEZES } from "./freezes.ts";
import { KILLS } from "./kills.ts";
import { NAMESPACES } from "./namespaces.ts";
import { QUEUE_CHANGES } from "./queues.ts";
import { REMOVALS } from "./removals.ts";
import { REVISIONS } from "./revisions.ts";
import { SCHEDULES } from "./schedules.ts";
import { STRANGERS } from "./strangers.ts";

const FAULTS: Faults = {
  ...KILLS,
  ...FREEZES,
  ...COMMANDS,
  ...REMOVALS,
  ...REVISIONS,
  ...QUEUE_CHANGES,
  ...SCHEDULES,
  ...BACKUPS,
  ...DAMAGE,
  ...STRANGERS,
  ...NAMESPACES,
  setClock: {
    weight: 3,
    strike({ scene }, random) {
      if (!scene.canSetClock || scene.cleanups > 0) return;
      const offset = random.chance(0.4) ? 0 : -random.int(100, 60_000);
      scene.setClock(offset);
      scene.did("clock set", String(offset));
    },
  },
};

const WEIGHTS = Object.fromEntries(
  Object.entries(FAULTS).map(([name, { weight }]) => [name, weight]),
);

/**
 * Does one thing after another until `ending` aborts; returns when all that was begun has ended.
 */
export async function torment(
  scene: Scene,
  archive: Archive,
  random: Random,
  ending: AbortSignal,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const stage: Stage = {
    scene,
    archive,
    frozen: new Set(),
    begin(action) {
      const done = action.catch((error) => scene.failed(error)).finally(() =>
        underWay.delete(done)
      );
      underWay.add(done);
    },
  };
  await pause(500);
  for (let n = 0; !ending.aborted; n++) {
    const name = random.weighted(WEIGHTS);
    const wait = random.between(50, 1200);
    await FAULTS[name]!.strike(stage, random.fork(`${n} ${name}`));
    await pause(wait);
  }
  for (const pid of stage.frozen) scene.signal(pid, "SIGCONT");
  await Promise.all(underWay);
}
