// Jobs that are removed, one by one or by a cleanup; their ids may be used again from then on.
import { openFileStore } from "../../../src/stores/file/store.ts";
import { diskFiles } from "../../../src/system/file_system.ts";
import { keyOfJob } from "../ledger.ts";
import type { Scene } from "../scene.ts";
import { killedAfter } from "./commands.ts";
import type { Archive, Faults } from "./fault.ts";
import { idOn } from "./tickets.ts";

export const REMOVALS: Faults = {
  removeDead: {
    weight: 4,
    strike({ scene, begin }, random) {
      const id = idOn(scene, "dead", random.next());
      const dies = random.chance(0.3) ? random.between(20, 150) : undefined;
      if (id !== undefined) begin(remove(scene, ["dlq", "remove", id], id, dies));
    },
  },
  removeEnded: {
    weight: 4,
    strike({ scene, begin }, random) {
      const shelf = random.pick(["completed", "cancelled", "dead"])!;
      const id = idOn(scene, shelf, random.next());
      const dies = random.chance(0.3) ? random.between(20, 150) : undefined;
      if (id !== undefined) begin(remove(scene, ["job", "remove", id], id, dies));
    },
  },
  cleanup: {
    weight: 3,
    strike: ({ scene, archive, begin }, random) =>
      begin(cleanup(scene, archive, random.int(10, 20), undefined)),
  },
  cleanupKilled: {
    weight: 1,
    strike: ({ scene, archive, begin }, random) =>
      begin(cleanup(scene, archive, random.int(10, 20), random.between(20, 200))),
  },
};

async function remove(
  scene: Scene,
  words: string[],
  id: string,
  dies: number | undefined,
): Promise<void> {
  const key = scene.ledger.keyOf(id);
  if (dies !== undefined) {
    scene.ledger.perhapsRemoved.add(key);
    await killedAfter(scene, words, dies);
    if (scene.ledger.keyOf(id) === key) scene.ledger.freeId(id);
    else scene.ledger.perhapsRemoved.add(scene.ledger.keyOf(id));
    return;
  }
  const { code, stdout, stderr } = await scene.call(words);
  scene.did("removals", `${words.join(" ")}: ${stdout.trim()}${stderr.trim()}`);
  // If the id was used again meanwhile, nobody knows which of the two jobs was hit.
  if (scene.ledger.keyOf(id) !== key) {
    scene.ledger.perhapsRemoved.add(key).add(scene.ledger.keyOf(id));
  } else if (code === null) scene.ledger.perhapsRemoved.add(key);
  else if (stdout === `Removed ${id}\n`) {
    scene.ledger.removed.add(key);
    scene.ledger.freeId(id);
  }
}

async function cleanup(
  scene: Scene,
  archive: Archive,
  age: number,
  dies: number | undefined,
): Promise<void> {
  // What has ended for good does not change any more, so what is known of it now is what counts in
  // the end. What ends from now on is too young for this cleanup, unless the clock is set forth.
  scene.cleanups++;
  const listed: [id: string, key: string][] = [];
  const store = await openFileStore(scene.dataDir, { files: diskFiles });
  try {
    for await (const job of store.list({ states: ["completed", "cancelled"] })) {
      archive.set(keyOfJob(job), job);
      listed.push([job.id, keyOfJob(job)]);
    }
  } finally {
    store.close();
  }
  const words = ["storage", "cleanup", `--older-than=${age}`];
  if (dies !== undefined) await killedAfter(scene, words, dies);
  else {
    const { code, stdout, stderr } = await scene.call(words);
    scene.did("cleanups", `${code} ${stdout.trim()} ${stderr.trim()}`);
  }
  scene.cleanups--;
  for (const [id, key] of listed) {
    if (scene.ledger.keyOf(id) === key && !scene.hasJobFile(id)) scene.ledger.freeId(id);
  }
}
