// stop with workers that come and go. Real processes are stopped in tests/e2e and by the torture.
import { assertEquals } from "@std/assert";
import { FileRequests } from "../../src/stores/file/requests.ts";
import { FileWorkerLock } from "../../src/stores/file/worker_lock.ts";
import { DATA, World } from "../support/world.ts";

function worldWithWorker(): { world: World; worker: FileWorkerLock } {
  const world = new World();
  for (const folder of ["workers", "control"]) world.files.write(`${DATA}/${folder}/.keep`, "");
  const worker = join(world, 100);
  return { world, worker };
}

function requestsOf(world: World): FileRequests {
  return new FileRequests(DATA, world.files);
}

function join(world: World, pid: number): FileWorkerLock {
  const lock = FileWorkerLock.join(world.files, DATA, undefined);
  lock.announce({ pid, host: "here", startedAt: world.now });
  return lock;
}

Deno.test("stop asks a worker, and returns when it has gone", async () => {
  const { world, worker } = worldWithWorker();
  const asked: (string | undefined)[] = [];
  world.meanwhile = async () => {
    asked.push(await requestsOf(world).stopRequested(worker.name));
    if (asked.length === 3) worker.leave();
  };
  const { code, err } = await world.run("stop");
  assertEquals([code, err, asked], [0, "Stopped 1 worker\n", ["graceful", "graceful", "graceful"]]);
  assertEquals(await requestsOf(world).stopRequested(worker.name), undefined);
});

Deno.test("stop waits for those that others have rescued, and counts them not", async () => {
  const { world, worker } = worldWithWorker();
  const dead = join(world, 200);
  dead.abandon();
  const place = FileWorkerLock.takeOver(world.files, DATA, dead.name)!;
  place.noteRescue();
  let sleeps = 0;
  world.meanwhile = () => {
    if (++sleeps === 1) worker.leave();
    if (sleeps === 3) place.leave();
  };
  const { code, err } = await world.run("stop");
  assertEquals([code, err, sleeps], [0, "Stopped 1 worker\n", 3]);
});

Deno.test("stop does not wait for a worker of a later start that has taken the name", async () => {
  const { world, worker } = worldWithWorker();
  let sleeps = 0;
  world.meanwhile = () => {
    if (++sleeps > 10) throw new Error("it still waits");
    if (sleeps > 1) return;
    worker.leave();
    assertEquals(join(world, 200).name, worker.name);
  };
  const { code, err } = await world.run("stop");
  assertEquals([code, err], [0, "Stopped 1 worker\n"]);
});

Deno.test("stop waits for a worker that has not said yet who it is", async () => {
  const world = new World();
  for (const folder of ["workers", "control"]) world.files.write(`${DATA}/${folder}/.keep`, "");
  // What a dead one left must not be taken for its record.
  world.files.write(
    `${DATA}/workers/worker-1.json`,
    `{"pid":1,"host":"x","started_at":"2030-01-01"}`,
  );
  const worker = FileWorkerLock.join(world.files, DATA, undefined);
  let sleeps = 0;
  world.meanwhile = () => {
    if (++sleeps === 2) worker.announce({ pid: 100, host: "here", startedAt: world.now });
    if (sleeps === 4) worker.leave();
  };
  assertEquals((await world.run("stop")).code, 0);
  assertEquals(sleeps, 4);
});

Deno.test("stop tells of jobs without a worker, and --force kills them", async () => {
  const { world, worker } = worldWithWorker();
  worker.leave();
  const id = await world.enqueue("sleep 100");
  await world.claim();
  assertEquals(
    (await world.run("stop")).err,
    "1 job without a worker still runs (--force kills it)\n",
  );
  world.onEndOrphan = async () => {
    await world.end(id, { outcome: "released", exitCode: null, signal: "SIGTERM" });
    return true;
  };
  assertEquals((await world.run("stop", "--force")).err, "Killed 1 job that had no worker\n");
  assertEquals(world.calls, [`end ${DATA} ${id} released`]);
  assertEquals((await world.run("stop", "--force")).err, "No workers are running\n");
});

Deno.test("stop asks again, should its request have been taken for that to an earlier holder", async () => {
  const { world, worker } = worldWithWorker();
  let sleeps = 0;
  const requests = requestsOf(world);
  world.meanwhile = async () => {
    if (++sleeps === 1) await requests.clearStop(worker.name);
    if (await requests.stopRequested(worker.name) !== undefined && sleeps > 1) worker.leave();
    if (sleeps > 1000) throw new Error("it still waits");
  };
  assertEquals((await world.run("stop")).code, 0);
});

Deno.test("stop does not wait for another one with the same process id", async () => {
  const { world, worker } = worldWithWorker();
  let sleeps = 0;
  world.meanwhile = () => {
    if (++sleeps > 10) throw new Error("it still waits");
    if (sleeps > 1) return;
    worker.leave();
    world.now += 1000;
    assertEquals(join(world, 100).name, worker.name); // as in a container that was started anew
  };
  assertEquals((await world.run("stop")).code, 0);
});

Deno.test("stop says which worker gives no sign of life", async () => {
  const { world } = worldWithWorker();
  const { code, err } = await world.run("stop");
  assertEquals([code, err], [
    1,
    "queuectl: Cannot wait for worker-1 (process 100 on here): no sign of life for 20 s\n" +
    "It may be suspended: kill -CONT 100 resumes it; queuectl stop --force ends it\n",
  ]);
});

Deno.test("stop does not wait for a silent worker because its supervisor lives, which waits too", async () => {
  const { world } = worldWithWorker();
  const supervisor = FileWorkerLock.join(world.files, DATA, "supervisor-99");
  supervisor.announce({ pid: 99, host: "here", startedAt: world.now });
  let sleeps = 0;
  world.meanwhile = () => {
    world.files.touch(`${DATA}/workers/${supervisor.name}.json`);
    if (++sleeps > 5000) throw new Error("it still waits");
  };
  const { code, err } = await world.run("stop");
  assertEquals([code, err.split("\n")[0]], [
    1,
    "queuectl: Cannot wait for worker-1 (process 100 on here): no sign of life for 20 s",
  ]);
});

Deno.test("stop waits as long as a worker gives signs of life", async () => {
  const { world, worker } = worldWithWorker();
  let sleeps = 0;
  world.meanwhile = () => {
    worker.heartbeat();
    world.files.touch(`${DATA}/workers/${worker.name}.json`);
    if (++sleeps === 5000) worker.leave();
  };
  assertEquals((await world.run("stop")).code, 0);
});

Deno.test("stop --force wakes those that do not answer, then kills them, then says which are left", async () => {
  const { world, worker } = worldWithWorker();
  world.onSignal = (signal) => {
    if (signal === "SIGKILL") worker.abandon();
    return [worker.name];
  };
  assertEquals((await world.run("stop", "--force")).code, 0);
  assertEquals(world.calls, ["SIGCONT worker-1", "SIGKILL worker-1"]);

  world.onSignal = () => [];
  join(world, 200); // of another container
  const { code, err } = await world.run("stop", "--force");
  assertEquals([code, err], [
    1,
    "queuectl: Cannot end worker-1 (process 200 on here) from here\n" +
    "It may belong to another container or user; end it there\n",
  ]);
});

Deno.test("stop ends them by signals where no request can be written, as on a full disk", async () => {
  for (
    const [args, signals] of [[[], ["SIGTERM"]], [["--force"], ["SIGTERM", "SIGTERM"]]] as const
  ) {
    const { world, worker } = worldWithWorker();
    const supervisor = FileWorkerLock.join(world.files, DATA, "supervisor-99");
    world.files.failure = (operation, path) =>
      operation === "create" && path.includes("/control/") ? new Error("No space left") : undefined;
    world.onSignal = () => {
      if (world.calls.length < signals.length) return [];
      for (const lock of [worker, supervisor]) lock.leave();
      return [supervisor.name];
    };
    assertEquals((await world.run("stop", ...args)).code, 0);
    assertEquals(world.calls, signals.map((signal) => `${signal} supervisor-99`));
  }
});
