// Hosts that share a server, as real processes: each has a folder of its own for what belongs to it,
// and so is a host to the others.
import { assert, assertEquals } from "@std/assert";
import { CutProxy } from "../support/cut_proxy.ts";
import { end, lives } from "../support/processes.ts";
import { numberOnceIn, QueueProgram } from "../support/queue_program.ts";
import { withTempDir } from "../support/temp_dir.ts";
import type { ServerForTests } from "../support/servers.ts";
import { waitUntil } from "../support/wait_until.ts";

/** The shortest lease, in seconds. */
const LEASE = 5;

interface Scene {
  readonly dir: string;
  /** Two hosts. */
  readonly a: QueueProgram;
  readonly b: QueueProgram;
  readonly server: ServerForTests;
  /** A host that reaches the server through a way that can be cut. */
  far(): { host: QueueProgram; way: CutProxy };
}

/**
 * A job that notes when it is not alone: one attempt runs while another does. It ends when there is
 * a file `go`. One that has ended, and that nobody has waited for yet, has no `exe`, but `kill -0`
 * still finds it.
 */
const ALONE = 'for f in pid.*; do [ -e "/proc/${f#pid.}/exe" ] && echo $f >>both; done; ' +
  ": >pid.$$; echo $$ >pid; until [ -e go ]; do sleep 0.05; done";

/** The processes of a `start` and of its workers. */
async function processesOf(host: QueueProgram, start: Deno.ChildProcess): Promise<number[]> {
  const others = (await host.workers()).map(({ pid }) => pid);
  return [start.pid, ...others.filter((pid) => parentOf(pid) === start.pid)];
}

function parentOf(pid: number): number {
  return Number(Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) \S /s, "").split(" ")[0]);
}

function signalAll(pids: readonly number[], signal: Deno.Signal): void {
  for (const pid of pids) Deno.kill(pid, signal);
}

/** Where what jobs print is kept on its way to the server. @param state of the host */
function outputFolder(state: string): string {
  const only = (folder: string) =>
    `${folder}/${
      Array.from(Deno.readDirSync(folder)).find(({ isDirectory }) => isDirectory)!.name
    }`;
  return `${only(only(`${state}/queuectl`))}/output`;
}

/** How the attempts that have ended did so. */
async function outcomes(host: QueueProgram, id: string): Promise<string[]> {
  const { history } = await host.json("job", "show", id);
  const ended = history.map(({ outcome }: { outcome: string | null }) => outcome);
  return ended.filter((outcome: string | null) => outcome !== null);
}

/** @param lease in seconds */
async function withScene(
  server: ServerForTests,
  dir: string,
  lease: number,
  test: (scene: Scene) => Promise<void>,
): Promise<void> {
  const url = new URL(server.url());
  const host = (name: string, store = url.href) =>
    QueueProgram.at(store, dir, { XDG_STATE_HOME: `${dir}/${name}` });
  const [a, b] = [host("a"), host("b")];
  const fars: { host: QueueProgram; way: CutProxy }[] = [];
  const far = () => {
    const way = new CutProxy(server.socket);
    const through = url.href.replace(url.host, `127.0.0.1:${way.port}`);
    fars.push({ host: host("far", through), way });
    return fars.at(-1)!;
  };
  try {
    await a.ok("config", "--key", "lease", "--value", String(lease));
    await test({ dir, a, b, far, server });
  } finally {
    for (const { way } of fars) way.restore();
    await Promise.all([a, b, ...fars.map(({ host }) => host)].map((one) => one.end()));
    await Promise.all(fars.map(({ way }) => way.close()));
  }
}

/**
 * What is lost with a host, and what is not: each sets its scene, calls `begin`, which resolves when
 * all scenes are set, and waits for a lease to run out, which takes ten seconds.
 */
type Loss = (scene: Scene, begin: () => Promise<void>) => Promise<void>;

/** Sets the scenes one after the other, and then waits side by side. */
async function allLosses(server: ServerForTests, dir: string): Promise<void> {
  const all = Promise.withResolvers<void>();
  const running: Promise<void>[] = [];
  for (const [says, loss] of Object.entries(LOSSES)) {
    const set = Promise.withResolvers<void>();
    const own = `${dir}/${running.length}`;
    Deno.mkdirSync(own);
    const begin = () => {
      set.resolve();
      return all.promise;
    };
    const done = withScene(server, own, LEASE, (scene) => loss(scene, begin)).catch((error) => {
      throw new Error(says, { cause: error });
    });
    running.push(done);
    await Promise.race([set.promise, done.catch(() => {})]);
  }
  all.resolve();
  await Promise.allSettled(running);
  await Promise.all(running);
}

const LOSSES: Readonly<Record<string, Loss>> = {
  "a host that is stopped for a while loses its job, and works when it is back": async (
    { dir, a, b },
    begin,
  ) => {
    const start = await a.start();
    await a.ok("enqueue", "--job-id", "j", ALONE);
    const first = await numberOnceIn(`${dir}/pid`);
    await b.start();
    const stopped = await processesOf(a, start);
    await begin();
    signalAll(stopped, "SIGSTOP");
    await isLost(b, first);
    signalAll(stopped, "SIGCONT");
    await endsElsewhere(b, dir);
    await b.ok("stop");
    await a.ok("enqueue", "--job-id", "k", "true");
    await a.waitForState("k", "completed");
  },

  "a host of which all was killed is gone: its job is ended there": async (
    { dir, a, b },
    begin,
  ) => {
    const start = await a.start();
    await b.ok("enqueue", "--job-id", "j", ALONE);
    const first = await numberOnceIn(`${dir}/pid`);
    await b.start();
    const killed = await processesOf(a, start);
    await begin();
    for (const pid of killed) end(pid);
    await isLost(b, first);
    await endsElsewhere(b, dir);
  },

  "a host that is cut off ends its job in time, and works again when it is not": async (
    { dir, far, b },
    begin,
  ) => {
    const { host, way } = far();
    await host.start();
    await host.ok("enqueue", "--job-id", "j", ALONE);
    const first = await numberOnceIn(`${dir}/pid`);
    await b.start();
    await begin();
    way.cut();
    await isLost(b, first);
    await endsElsewhere(b, dir);
    way.restore();
    await b.ok("stop");
    await b.ok("enqueue", "--job-id", "k", "true");
    await b.waitForState("k", "completed");
  },

  "a worker whose start was killed keeps the lease until its job has ended": async (
    { dir, a, b },
    begin,
  ) => {
    const start = await a.start();
    await a.ok("enqueue", "--job-id", "j", ALONE);
    await numberOnceIn(`${dir}/pid`);
    await b.start();
    await begin();
    end(start.pid);
    const since = performance.now();
    await waitUntil(() => performance.now() - since > 2000 * LEASE, "two leases have passed");
    Deno.writeTextFileSync(`${dir}/go`, "");
    await b.waitForState("j", "completed");
    assertEquals(await outcomes(b, "j"), ["succeeded"]);
  },
};

/** Resolves when the attempt is lost, which was the process `first`. */
async function isLost(host: QueueProgram, first: number): Promise<void> {
  await waitUntil(async () => (await outcomes(host, "j")).length === 1, "it is lost");
  assertEquals([await outcomes(host, "j"), lives(first)], [["lost"], false]);
}

/** The job that was lost runs anew on another host, and never did so on both. */
async function endsElsewhere(host: QueueProgram, dir: string): Promise<void> {
  Deno.writeTextFileSync(`${dir}/go`, "");
  await host.waitForState("j", "completed");
  assertEquals(await outcomes(host, "j"), ["lost", "succeeded"]);
  assert(!Array.from(Deno.readDirSync(dir)).some(({ name }) => name === "both"));
}

/** Declares all tests of hosts that share this server. */
export function testHosts(server: ServerForTests): void {
  const hostsTest = (says: string, test: (scene: Scene) => Promise<void>, lease = LEASE) =>
    Deno.test({
      name: `${server.kind}: ${says}`,
      ignore: Deno.build.os !== "linux",
      fn: () => withTempDir((dir) => withScene(server, dir, lease, test)),
    });

  Deno.test({
    name: `${server.kind}: a host that is gone or cut off loses its jobs, which never run twice`,
    ignore: Deno.build.os !== "linux",
    fn: () => withTempDir((dir) => allLosses(server, dir)),
  });

  hostsTest(
    "a start that is killed leaves its job to the next on the same host",
    async ({ dir, a, b }) => {
      const start = await a.start();
      await a.ok("enqueue", "--job-id", "j", `echo one; ${ALONE}; echo two`);
      const job = await numberOnceIn(`${dir}/pid`);
      for (const pid of await processesOf(a, start)) end(pid);
      await a.start();
      await waitUntil(
        async () => (await a.workers()).some(({ job_id }) => job_id === "j"),
        "adopted",
      );
      assert(lives(job));
      Deno.writeTextFileSync(`${dir}/go`, "");
      // Its output can be read on every host.
      assertEquals(await b.ok("job", "logs", "--follow", "j"), "one\ntwo");
      assertEquals(await outcomes(b, "j"), ["succeeded"]);
    },
    60,
  );

  hostsTest(
    "what a killed worker has left of an output that is on record is removed by the next",
    async ({ dir, a }) => {
      const start = await a.start();
      await a.ok("enqueue", "--job-id", "j", "echo said");
      await a.waitForState("j", "completed");
      const folder = outputFolder(`${dir}/a`);
      // As if it had died between the end and the removal.
      Deno.writeTextFileSync(`${folder}/j.1.log`, "said\n");
      for (const { pid } of await a.workers()) if (pid !== start.pid) end(pid);
      await waitUntil(() => Array.from(Deno.readDirSync(folder)).length === 0, "it is gone");
      assertEquals(await a.ok("job", "logs", "j"), "said");
    },
    60,
  );

  hostsTest(
    "a job without a worker that is called off has all of its output",
    async ({ dir, a }) => {
      const start = await a.start();
      const waits = "until [ -e go ]; do sleep 0.05; done";
      await a.ok(
        "enqueue",
        "--job-id",
        "j",
        `echo $$ >pid; ${waits}; echo said; : >done; sleep 600`,
      );
      await numberOnceIn(`${dir}/pid`);
      for (const pid of await processesOf(a, start)) end(pid);
      Deno.writeTextFileSync(`${dir}/go`, "");
      await waitUntil(() => Array.from(Deno.readDirSync(dir)).some(({ name }) => name === "done"));
      assertEquals(await a.ok("job", "cancel", "j"), "Cancelled j");
      assertEquals(await a.ok("job", "logs", "j"), "said");
    },
    60,
  );

  hostsTest(
    "stop stops the workers of this host, and with --all-hosts those of all",
    async ({ a, b }) => {
      await a.start();
      await b.start("--count", "2");
      await waitUntil(async () => (await a.workers()).length === 3, "all are there");
      // Those of one host begin at the same time, in any order.
      const names = (await a.workers()).map(({ name }) => name).sort();
      assertEquals(names, ["worker-1", "worker-2", "worker-3"]);
      const { stderr } = await a.run(["stop"]);
      assertEquals(stderr, "Stopped 1 worker\n2 workers on other hosts: --all-hosts stops them\n");
      assertEquals((await a.run(["stop", "--all-hosts"])).stderr, "Stopped 2 workers\n");
      assertEquals(await b.workers(), []);
    },
  );

  hostsTest("a server that is away: jobs go on, their ends are kept, enqueue says it", async ({
    dir,
    a,
    server,
  }) => {
    await a.start("--count", "2");
    await a.ok("enqueue", "--job-id", "j", "--max-retries", "0", `${ALONE}; echo done; exit 3`);
    await a.ok(
      "enqueue",
      "--job-id",
      "k",
      "--max-retries",
      "0",
      "until [ -e go ]; do sleep 0.1; done",
    );
    const job = await numberOnceIn(`${dir}/pid`);
    await server.tell("stop");
    try {
      const begin = performance.now();
      const { code, stdout, stderr } = await a.run(["enqueue", "--job-id", "later", "true"]);
      assert(performance.now() - begin < 10_000);
      assertEquals([code, stdout, stderr.trim().split("\n").length], [1, "", 1]);
      assert(stderr.startsWith(`queuectl: Cannot reach ${server.kind}://`), stderr);
      assert(lives(job));
      Deno.writeTextFileSync(`${dir}/go`, "");
      await waitUntil(() => !lives(job), "the job has ended");
    } finally {
      await server.tell("start");
    }
    await a.waitForState("j", "dead");
    await a.waitForState("k", "completed");
    assertEquals([await outcomes(a, "j"), await a.ok("job", "logs", "j")], [["failed"], "done"]);
    // What was refused can be said again.
    await a.ok("enqueue", "--job-id", "later", "true");
    await a.waitForState("later", "completed");
  }, 60);
}
