import { assertEquals } from "@std/assert";
import type { WorkerEvent } from "../../src/queue/worker_event.ts";
import { type Child, supervise } from "../../src/worker/supervisor.ts";

/** A supervisor's world: what each spawn does, in order, and what it slept and reported. */
function world(
  ends: ({ code: number; signal: string | null } | Error | "until told")[],
  up: Promise<void> = Promise.resolve(),
) {
  const slept: number[] = [];
  const events: WorkerEvent[] = [];
  const told: string[] = [];
  let now = 0;
  const spawn = (): Child => {
    const end = ends.shift() ?? { code: 0, signal: null };
    if (end instanceof Error) throw end;
    if (end !== "until told") {
      return { pid: 1, up, ended: Promise.resolve(end), stop: (kind) => void told.push(kind) };
    }
    let finish = () => {};
    const ended = new Promise<{ code: number; signal: null }>((resolve) =>
      finish = () => resolve({ code: 0, signal: null })
    );
    return { pid: 1, up, ended, stop: (kind) => (told.push(kind), finish()) };
  };
  const sleep = (ms: number) => {
    slept.push(ms);
    now += ms;
    return Promise.resolve();
  };
  return {
    parts: {
      count: 1,
      spawn,
      ready: () => void told.push("ready"),
      sleep,
      now: () => now,
      report: (e: WorkerEvent) => void events.push(e),
    },
    slept,
    events,
    told,
  };
}

const KILLED = { code: 137, signal: "SIGKILL" };
const never = () => new AbortController().signal;

Deno.test("supervise() starts a worker anew that died, at once the first time and then ever later", async () => {
  const { parts, slept, events } = world([KILLED, KILLED, KILLED, KILLED]);
  await supervise(parts, never(), never());
  assertEquals(slept, [100, 200, 400]);
  assertEquals(events.map((event) => event.kind), Array(4).fill("worker_died"));
});

Deno.test("supervise() goes on when the program can't be started for a moment", async () => {
  const { parts, events } = world([
    new Deno.errors.NotFound("gone"),
    new Deno.errors.NotFound("gone"),
  ]);
  await supervise(parts, never(), never());
  assertEquals(events.map((event) => event.kind), ["warning", "warning"]);
});

Deno.test("supervise() tells its workers to stop, and starts none anew then", async () => {
  const { parts, told } = world(["until told", KILLED]);
  const stopping = new AbortController();
  const done = supervise(parts, stopping.signal, never());
  await Promise.resolve();
  stopping.abort();
  await done;
  assertEquals(told, ["ready", "graceful"]);
});

Deno.test("supervise() starts nothing when it is to stop already", async () => {
  const { parts } = world([new Error("must not be started")]);
  const stopping = new AbortController();
  stopping.abort();
  await supervise(parts, stopping.signal, never());
});

Deno.test("supervise() gives up when no worker comes up at any place, and says so", async () => {
  const { parts, events } = world(Array(100).fill(KILLED), new Promise(() => {}));
  assertEquals(await supervise({ ...parts, count: 2 }, never(), never()), false);
  assertEquals(events.length, 6);
});

Deno.test("supervise() does not give up once a worker has come up, whatever becomes of it", async () => {
  const { parts, told } = world(Array(20).fill(KILLED));
  assertEquals(await supervise(parts, never(), never()), true);
  assertEquals(told, ["ready"]);
});

Deno.test("supervise() replaces a worker that somebody has ended with SIGTERM, and says so", async () => {
  const { parts, events } = world([{ code: 143, signal: null }]);
  await supervise(parts, never(), never());
  assertEquals(events, [
    { kind: "worker_died", pid: 1, code: 143, signal: "SIGTERM", replaced: true },
  ]);
});

Deno.test("supervise() has nothing to say of SIGTERM for a worker that is to stop anyway", async () => {
  const stopping = new AbortController();
  const { parts, events } = world([{ code: 143, signal: null }]);
  const done = supervise(parts, stopping.signal, never());
  stopping.abort();
  await done;
  assertEquals(events, []);
});
