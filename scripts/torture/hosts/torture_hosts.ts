// A torture of hosts that share a server: from its begin to its report.
import { delay } from "../../../src/system/delay.ts";
import { Random } from "../random.ts";
import { listed, verdictOf } from "../report.ts";
import type { TortureOptions, TortureResult } from "../torture.ts";
import { tormentHosts } from "./hosts_faults.ts";
import { reckonHosts } from "./hosts_reckoning.ts";
import { BUG, HostsScene, type TorturedHost } from "./hosts_scene.ts";
import { torturedServer } from "./tortured_server.ts";

/** In seconds; the shortest there is. */
const LEASE = "5";
const BACKLOG = 60;

/** @param kind of the server: postgres or redis */
export async function tortureHosts(kind: string, options: TortureOptions): Promise<TortureResult> {
  const server = await torturedServer(kind);
  if (server === undefined) return { report: "", problems: ["no server"] };
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "queuectl-torture-" }));
  const scene = new HostsScene(folder, server, ["a", "b"]);
  let outcomes = new Map<string, number>();
  try {
    outcomes = await Promise.race([
      play(scene, new Random(String(options.seed)), options.minutes * 60_000),
      new Promise<never>((_, reject) =>
        options.interrupt?.addEventListener("abort", () => reject(new Error("interrupted")))
      ),
    ]);
  } catch (error) {
    scene.problem(`The torture itself failed: ${error instanceof Error ? error.stack : error}`);
  } finally {
    await scene.close();
  }
  const failed = scene.problems.length > 0;
  if (!failed && !options.keep) Deno.removeSync(folder, { recursive: true });
  return { report: reportOf(scene, kind, options, outcomes), problems: scene.problems };
}

async function play(
  scene: HostsScene,
  random: Random,
  duration: number,
): Promise<Map<string, number>> {
  const values = {
    lease: LEASE,
    backoff_base: "1",
    backoff_max: "1",
    kill_grace: "0.5",
    log_level: "DEBUG",
  };
  for (const [key, value] of Object.entries(values)) {
    await scene.first.call("config", "--key", key, "--value", value);
  }
  const [ending, over] = [new AbortController(), new AbortController()];
  const starters = scene.hosts.map((host) =>
    keepStarting(host, random.fork(`starts of ${host.name}`), over.signal)
  );
  const enqueuers = scene.hosts.map((host) =>
    keepEnqueuing(host, random.fork(`jobs of ${host.name}`), ending.signal)
  );
  const faults = tormentHosts(scene, random.fork("faults"), ending.signal);
  await delay(duration);
  ending.abort();
  await Promise.all([...enqueuers, faults]);
  scene.note("the end: all is stopped, and drained");
  over.abort();
  await stopAll(scene, starters);
  await drain(scene);
  await checkRest(scene);
  return await reckonHosts(scene);
}

async function keepStarting(host: TorturedHost, random: Random, over: AbortSignal) {
  while (!over.aborted) {
    host.scene.did("starts", host.name);
    const { code } = await host.start(["start", `--count=${random.int(2, 3)}`], host.name).ended;
    host.scene.note(`start on ${host.name} ended with ${code}`);
    await delay(random.between(0, 1500));
  }
}

async function keepEnqueuing(host: TorturedHost, random: Random, ending: AbortSignal) {
  const { scene } = host;
  for (let n = 1; !ending.aborted; n++) {
    const id = `${host.name}-${n}`;
    const seconds = random.chance(0.3) ? random.between(2, 8) : random.between(0, 0.5);
    const code = random.weighted({ "0": 6, "3,0": 2, "1,1,0": 1, "7,7,7,7,7,7,7,7,7": 1 });
    const words = ["sh", "job.sh", `${scene.folder}/notes`, seconds.toFixed(2), code];
    const dies = random.chance(0.1) ? random.between(100, 900) : undefined;
    scene.tried.add(id);
    // Said again with the same id until it is known: that is what the id is for.
    for (let isKnown = false; !isKnown && !ending.aborted;) {
      const call = host.start(["enqueue", "--job-id", id, "--", ...words]);
      if (dies !== undefined) setTimeout(() => endOf(call.pid), dies);
      const { code, stdout, stderr } = await call.ended;
      if (BUG.test(stderr)) scene.problem(`enqueue said: ${stderr}`);
      isKnown = code === 0 && stdout === `${id}\n` || stderr.includes("exists");
      if (isKnown) scene.acknowledged.add(id);
      else scene.did("enqueues without an answer", `${id} ${code} ${stderr}`);
      if (code === null) break;
    }
    while (scene.acknowledged.size - notesIn(scene) > BACKLOG && !ending.aborted) await delay(200);
  }
}

function endOf(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** How many jobs have begun. */
function notesIn(scene: HostsScene): number {
  return Array.from(Deno.readDirSync(`${scene.folder}/notes`)).length;
}

/** Stops all, again and again: one that is just being started does not hear of it. */
async function stopAll(scene: HostsScene, starters: readonly Promise<void>[]): Promise<void> {
  let isOver = false;
  const over = Promise.all(starters).then(() => void (isOver = true));
  while (!isOver) {
    await scene.first.call("stop", "--all-hosts");
    await Promise.race([over, delay(1000)]);
  }
}

/** Until nothing is left to do, the jobs of hosts that are gone included. */
async function drain(scene: HostsScene): Promise<void> {
  for (let n = 0; n < 20; n++) {
    for (const host of scene.hosts) {
      const { code, stderr } = await host.call("start", "--drain", "--count", "3");
      if (code !== 0) scene.problem(`start --drain ended with ${code}: ${stderr}`);
    }
    const { jobs } = JSON.parse((await scene.first.call("status", "--json")).stdout);
    scene.note(`after draining: ${JSON.stringify(jobs)}`);
    if (jobs.pending + jobs.processing + jobs.failed === 0) return;
    await delay(1000);
  }
  scene.problem("The queue can't be drained");
}

/** Nothing runs, nothing is left over, and nothing is wrong. */
async function checkRest(scene: HostsScene): Promise<void> {
  const left = () => scene.hosts.flatMap((host) => host.processes());
  for (let n = 0; n < 100 && left().length > 0; n++) await delay(100);
  for (const { pid, command } of left()) scene.problem(`process ${pid} is left: ${command}`);
  const { code, stdout, stderr } = await scene.first.call("storage", "check");
  if (code !== 0) scene.problem(`storage check: ${stdout}${stderr}`);
  for (const { name, what } of await scene.server.leftOver()) {
    // A stop that was killed, or could not reach the server, leaves what it has asked for.
    if (what === "worker") scene.problem(`the worker ${name} is left`);
    else scene.did(`requests left: ${what}`, name);
  }
  for (const { name } of scene.hosts) {
    const text = Deno.readTextFileSync(`${scene.folder}/${name}.log`);
    for (const line of text.split("\n").filter((line) => BUG.test(line))) {
      scene.problem(`${name}.log: ${line}`);
    }
    for (const [what, pattern] of [["adoptions", / looks after job /g]] as const) {
      for (const _ of text.match(pattern) ?? []) scene.did(what);
    }
  }
}

function reportOf(
  scene: HostsScene,
  kind: string,
  { minutes, seed, keep }: TortureOptions,
  outcomes: ReadonlyMap<string, number>,
): string {
  const again = `deno task torture --store ${kind} --minutes ${minutes} --seed ${seed}`;
  return [
    `torture of hosts: ${minutes} minutes, seed ${seed}`,
    `  jobs acknowledged ${scene.acknowledged.size}, attempts: ${listed(outcomes)}`,
    `  done to them: ${listed(scene.tally)}`,
    ...verdictOf(scene, again, keep),
    "",
  ].join("\n");
}
