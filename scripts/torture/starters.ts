// Those who keep a `queuectl start` running: whenever one has ended, another follows after a while.
import { pause } from "../../src/exec/timer.ts";
import { hasEntry } from "../processes.ts";
import { QUEUES } from "./queue_log.ts";
import type { Random } from "./random.ts";
import type { Scene } from "./scene.ts";

/** Starts again and again until `ending` aborts, and returns when the last has ended. */
export async function starter(
  scene: Scene,
  random: Random,
  name: string,
  ending: AbortSignal,
): Promise<void> {
  const log = `${scene.folder}/logs/${name}.log`;
  while (!ending.aborted) {
    const words = ["start", `--count=${random.int(1, 3)}`];
    if (random.chance(0.2)) words.push(`--worker-name=${name}`);
    if (random.chance(0.1)) words.push(`--timeout=${random.int(2, 6)}`);
    if (random.chance(0.25)) words.push(`--queue=${servedBy(random).join()}`);
    const dataDir = random.chance(0.3) ? scene.linkedDir : scene.dataDir;
    scene.did("starts", words.join(" "));
    if (dataDir === scene.linkedDir) scene.count("starts through a link");
    if (random.chance(0.15)) await detached(scene, words, dataDir);
    else await attached(scene, words, dataDir, log);
    await pause(random.between(0, 1500));
  }
}

/** Some of the queues, so that others have to wait for another `start`. */
function servedBy(random: Random): string[] {
  const served = ["default", "hooks", ...Object.keys(QUEUES)].filter(() => random.chance(0.6));
  return served.length === 0 ? ["default"] : served;
}

async function attached(
  scene: Scene,
  words: string[],
  dataDir: string,
  log: string,
): Promise<void> {
  const { pid, ended } = scene.start(words, { log, dataDir });
  scene.supervisors.add(pid);
  const { code } = await ended;
  scene.supervisors.delete(pid);
  scene.note(`supervisor ${pid} ended with ${code}`);
  if (code !== 0 && code !== null) {
    scene.problem(`"${words.join(" ")}" ended with exit code ${code}: see ${log}`);
  }
}

async function detached(scene: Scene, words: string[], dataDir: string): Promise<void> {
  const { code, stdout, stderr } = await scene.call([...words, "--detach"], { dataDir });
  const pid = Number(/^(\d+)\n$/.exec(stdout)?.[1] ?? 0);
  // It may have been killed, as all were, before it came up.
  if (pid === 0) return scene.note(`start --detach ended with ${code}: ${stderr}`);
  scene.supervisors.add(pid);
  while (hasEntry(pid, scene.marker)) await pause(100);
  scene.supervisors.delete(pid);
}
