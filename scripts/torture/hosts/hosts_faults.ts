// What is done to hosts and their server while jobs run.
import { delay } from "../../../src/system/delay.ts";
import { signal } from "../../processes.ts";
import type { Random } from "../random.ts";
import type { HostsScene, TorturedHost } from "./hosts_scene.ts";

interface Fault {
  readonly weight: number;
  strike(scene: HostsScene, host: TorturedHost, random: Random): void | Promise<void>;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  killWorker: {
    weight: 8,
    strike: (scene, host, random) => {
      const pid = random.pick(host.processes("worker"))?.pid;
      if (pid !== undefined && signal(pid, "SIGKILL")) scene.did("workers killed", host.name);
    },
  },
  killStart: {
    weight: 4,
    strike: (scene, host, random) => {
      const pid = random.pick(host.processes("start"))?.pid;
      if (pid !== undefined && signal(pid, "SIGKILL")) scene.did("starts killed", host.name);
    },
  },
  killHost: {
    weight: 2,
    strike: (scene, host) => {
      for (const { pid } of host.processes()) signal(pid, "SIGKILL");
      scene.did("hosts killed", host.name);
    },
  },
  freezeOne: {
    weight: 4,
    strike: async (scene, host, random) => {
      const [pid, seconds] = [random.pick(host.processes())?.pid, random.between(0.5, 9)];
      if (pid !== undefined) await freeze(scene, host, [pid], seconds);
    },
  },
  freezeHost: {
    weight: 2,
    strike: (scene, host, random) =>
      freeze(scene, host, host.processes().map(({ pid }) => pid), random.between(1, 12)),
  },
  cut: {
    weight: 4,
    strike: async (scene, host, random) => {
      const seconds = random.between(0.2, 12);
      scene.did("hosts cut off", `${host.name} ${seconds.toFixed(1)}`);
      host.way.cut();
      await delay(seconds * 1000);
      host.way.restore();
    },
  },
  dropConnections: {
    weight: 6,
    strike: async (scene) => {
      if (!scene.isUp) return;
      scene.did("connections dropped");
      await scene.server.dropConnections();
    },
  },
  restartServer: {
    weight: 3,
    strike: async (scene, _host, random) => {
      const [word, seconds] = [
        random.chance(0.5) ? "stop" : "crash",
        random.between(0, 7),
      ] as const;
      if (!scene.isUp) return;
      scene.isUp = false;
      scene.did(`servers that ${word}`, seconds.toFixed(1));
      await scene.server.tell(word);
      await delay(seconds * 1000);
      await scene.server.tell("start");
      scene.isUp = true;
    },
  },
  holdUp: {
    weight: 2,
    strike: async (scene, _host, random) => {
      const seconds = random.between(1, 6);
      if (!scene.isUp) return;
      scene.did(await scene.server.holdUp(seconds));
    },
  },
  stop: { weight: 2, strike: (scene, host) => call(scene, host, ["stop"]) },
  stopForce: { weight: 2, strike: (scene, host) => call(scene, host, ["stop", "--force"]) },
  stopAll: { weight: 1, strike: (scene, host) => call(scene, host, ["stop", "--all-hosts"]) },
  cancel: {
    weight: 5,
    strike: async (scene, host, random) => {
      const id = random.pick([...scene.acknowledged].slice(-40));
      if (id === undefined) return;
      scene.cancelled.add(id);
      await call(scene, host, ["job", "cancel", id]);
    },
  },
};

/** Strikes again and again until `ending` aborts, and returns when all is over. */
export async function tormentHosts(
  scene: HostsScene,
  random: Random,
  ending: AbortSignal,
): Promise<void> {
  const weights = Object.fromEntries(
    Object.entries(FAULTS).map(([name, { weight }]) => [name, weight]),
  );
  const going = new Set<Promise<void>>();
  while (!ending.aborted) {
    const fault = FAULTS[random.weighted(weights)]!;
    const [host, own] = [random.pick(scene.hosts)!, random.fork(String(random.next()))];
    const step: Promise<void> = Promise.resolve(fault.strike(scene, host, own))
      // The server may be taken away from the torture, too.
      .catch((error) => scene.note(`a fault failed: ${error}`))
      .finally(() => going.delete(step));
    going.add(step);
    await delay(random.between(100, 1500), ending);
  }
  await Promise.all(going);
}

async function freeze(
  scene: HostsScene,
  host: TorturedHost,
  pids: readonly number[],
  seconds: number,
): Promise<void> {
  scene.did("processes stopped for a while", `${host.name} ${pids} ${seconds.toFixed(1)}`);
  for (const pid of pids) signal(pid, "SIGSTOP");
  await delay(seconds * 1000);
  for (const pid of pids) signal(pid, "SIGCONT");
}

async function call(scene: HostsScene, host: TorturedHost, args: string[]): Promise<void> {
  const { code, stderr } = await host.call(...args);
  scene.did(args.slice(0, args[0] === "job" ? 2 : 3).join(" "), `${host.name} ${code} ${stderr}`);
}
