// Commands that people call while the queue is at work, some of which are killed on their way.
import { pause } from "../../../src/exec/timer.ts";
import { uptime } from "../ledger.ts";
import type { Call } from "../program.ts";
import type { Scene } from "../scene.ts";
import type { Faults } from "./fault.ts";
import { anId, idOn } from "./tickets.ts";

export const COMMANDS: Faults = {
  stop: { weight: 2, strike: ({ scene, begin }) => begin(stop(scene, [])) },
  stopForce: { weight: 2, strike: ({ scene, begin }) => begin(stop(scene, ["--force"])) },
  cancel: {
    weight: 8,
    strike: ({ scene, begin }, random) => begin(cancel(scene, random.next())),
  },
  cancelKilled: {
    weight: 2,
    strike({ scene, begin }, random) {
      const words = ["job", "cancel", anId(scene, random.next()) ?? "none"];
      begin(killedAfter(scene, words, random.between(20, 250)));
    },
  },
  retry: {
    weight: 4,
    strike({ scene, begin }, random) {
      const [all, draw, after] = [random.chance(0.4), random.next(), random.between(20, 150)];
      const dies = random.chance(0.3);
      const id = idOn(scene, "dead", draw);
      if (!all && id === undefined) return;
      const words = ["dlq", "retry", all ? "--all" : id!];
      begin(retry(scene, words, dies ? after : undefined));
    },
  },
  check: { weight: 3, strike: ({ scene, begin }) => begin(check(scene)) },
  repair: { weight: 3, strike: ({ scene, begin }) => begin(repair(scene)) },
  repairKilled: {
    weight: 1,
    strike: ({ scene, begin }, random) =>
      begin(killedAfter(scene, ["storage", "check", "--repair"], random.between(20, 250))),
  },
};

/** Calls a command and kills it a little later. */
export async function killedAfter(
  scene: Scene,
  words: string[],
  wait: number,
  call: Call = {},
): Promise<void> {
  const { pid, ended } = scene.start(words, call);
  await pause(wait);
  if (scene.signal(pid, "SIGKILL")) scene.did("commands killed", words.join(" "));
  const result = await ended;
  scene.checkWords(result);
}

export async function stop(
  scene: Scene,
  words: string[],
  { limit = 40, spare = false } = {},
): Promise<void> {
  scene.did(words.length === 0 ? "stops" : "forced stops");
  const { code, stderr } = await scene.call(["stop", ...words], { limit, spare });
  scene.note(`stop ended with ${code}: ${stderr.trim()}`);
  if (code !== null && code !== 0) scene.problem(`stop ended with exit code ${code}: ${stderr}`);
}

async function cancel(scene: Scene, draw: number): Promise<void> {
  const id = anId(scene, draw);
  if (id === undefined) return;
  const key = scene.ledger.keyOf(id);
  const begun = uptime();
  const { code, stdout, stderr } = await scene.call(["job", "cancel", id]);
  scene.did("cancels", `${id}: ${code} ${stdout.trim()}${stderr.trim()}`);
  if (code === 0 && stdout === `Cancelled ${id}\n`) {
    const isSame = scene.ledger.keyOf(id) === key;
    const isAnew = scene.ledger.mayBeRevived(key, begun, uptime());
    if (isSame && !isAnew) scene.ledger.cancelled.set(key, uptime());
  } else if (code === 0) scene.problem(`job cancel ${id} said ${stdout}${stderr}`);
}

/** @param dies after how many milliseconds the command is killed, if at all */
export async function retry(
  scene: Scene,
  words: string[],
  dies: number | undefined,
): Promise<void> {
  const id = words.at(-1) === "--all" ? undefined : words.at(-1);
  const done = scene.ledger.reviving(id);
  if (dies !== undefined) await killedAfter(scene, words, dies);
  else {
    const { code, stdout, stderr } = await scene.call(words);
    scene.did("retries", `${words.join(" ")}: ${code} ${stdout.trim()}${stderr.trim()}`);
  }
  done();
}

async function check(scene: Scene): Promise<void> {
  const { damages, hasDamage } = scene;
  const { code, stdout, stderr } = await scene.call(["storage", "check"]);
  scene.did("checks", `${code} ${stdout.trim()} ${stderr.trim()}`);
  if (code === 1 && !hasDamage && damages === scene.damages) {
    scene.problem(`storage check found something where nothing was damaged: ${stdout}`);
  }
}

async function repair(scene: Scene): Promise<void> {
  const { damages, hasDamage } = scene;
  const { code, stdout, stderr } = await scene.call(["storage", "check", "--repair"]);
  if (code === 0) scene.repaired = damages;
  scene.did("repairs", `${code} ${stdout.trim()} ${stderr.trim()}`);
  const mended = code !== null && (stdout + stderr).trim() !== "Nothing is wrong";
  if (mended && !hasDamage && damages === scene.damages) {
    scene.problem(`a repair mended something where nothing was damaged: ${stdout}${stderr}`);
  }
}
