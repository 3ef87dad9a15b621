// Server-sent events: what clients hear, and what becomes of those that do not listen.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Problem } from "../../src/serve/answer.ts";
import { EventHub, type LogState } from "../../src/serve/events.ts";
import { withApi } from "../support/api_world.ts";
import { waitUntil } from "../support/wait_until.ts";

interface Heard {
  readonly event: string;
  // deno-lint-ignore no-explicit-any
  readonly data: any;
}

/** Reads a stream of events to its end. */
class Listener {
  readonly heard: Heard[] = [];
  text = "";
  isOver = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.#read();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.text += decoder.decode(value, { stream: true });
        const blocks = this.text.split("\n\n");
        this.heard.splice(0);
        for (const block of blocks.slice(0, -1)) {
          const [, event, data] = /^event: (.+)\ndata: (.+)$/.exec(block) ?? [];
          if (event !== undefined) this.heard.push({ event, data: JSON.parse(data!) });
        }
      }
    } finally {
      this.isOver = true;
    }
  }

  of(event: string): Heard["data"][] {
    return this.heard.filter((one) => one.event === event).map(({ data }) => data);
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}

/** A hub, and what it looks at. */
function world() {
  const state = {
    status: { jobs: { pending: 0 }, workers: [{ name: "w", last_seen_at: "1" }] } as unknown,
    jobs: new Map<string, unknown>(),
    log: undefined as LogState | undefined,
    fails: false,
    damaged: "",
    looks: { status: 0, job: 0, log: 0 },
    warnings: [] as string[],
  };
  const hub = new EventHub({
    status() {
      state.looks.status++;
      return state.fails ? Promise.reject(new Error("away")) : Promise.resolve(state.status);
    },
    job(id) {
      state.looks.job++;
      if (id === state.damaged) return Promise.reject(new Error(`${id} is damaged`));
      return Promise.resolve(state.jobs.get(id));
    },
    log() {
      state.looks.log++;
      return Promise.resolve(state.log);
    },
    warn: (message) => void state.warnings.push(message),
  }, { all: 20, logs: 5, patience: 2000 });
  return { hub, state };
}

const NOTHING = { ids: [], logs: [] };

Deno.test("a client hears the status at once, and then when it changes", async () => {
  const { hub, state } = world();
  const client = new Listener(hub.open(NOTHING));
  await waitUntil(() => client.of("status").length === 1);
  // That a worker lives is no news.
  state.status = { jobs: { pending: 0 }, workers: [{ name: "w", last_seen_at: "2" }] };
  const before = state.looks.status;
  await waitUntil(() => state.looks.status >= before + 2);
  assertEquals(client.of("status").length, 1);
  state.status = { jobs: { pending: 1 } };
  await waitUntil(() => client.of("status").length === 2);
  assertEquals(client.of("status")[1], { jobs: { pending: 1 } });
  await hub.close();
  await waitUntil(() => client.isOver);
});

Deno.test("a client hears of its jobs and logs when they change, and of no others", async () => {
  const { hub, state } = world();
  state.jobs.set("a", { id: "a", state: "pending" }).set("b", { id: "b", state: "pending" });
  const log = { id: "a", attempt: undefined };
  const [one, other] = [
    new Listener(hub.open({ ids: ["a", "gone"], logs: [log] })),
    new Listener(hub.open({ ids: ["b"], logs: [] })),
  ];
  await waitUntil(() => one.of("jobs").length === 1 && other.of("jobs").length === 1);
  assertEquals(one.of("jobs")[0], { jobs: [{ id: "a", state: "pending" }], removed: ["gone"] });
  state.jobs.set("a", { id: "a", state: "completed" });
  await waitUntil(() => one.of("jobs").length === 2);
  assertEquals(one.of("jobs")[1], { jobs: [{ id: "a", state: "completed" }], removed: [] });
  state.jobs.delete("a");
  await waitUntil(() => one.of("jobs").length === 3);
  assertEquals(one.of("jobs")[2], { jobs: [], removed: ["a"] });
  assertEquals(one.of("log"), []);
  state.log = { id: "a", attempt: 1, size: 5, running: true };
  await waitUntil(() => one.of("log").length === 1);
  state.log = { id: "a", attempt: 1, size: 5, running: false };
  await waitUntil(() => one.of("log").length === 2);
  assertEquals(one.of("log").map(({ running }) => running), [true, false]);
  assertEquals([other.of("jobs").length, other.of("log").length], [1, 0]);
  await hub.close();
});

Deno.test("what many watch is looked up once for all of them", async () => {
  const { hub, state } = world();
  state.jobs.set("a", { id: "a" });
  const log = { id: "a", attempt: 1 };
  const clients = Array.from(
    { length: 50 },
    () => new Listener(hub.open({ ids: ["a"], logs: [log] })),
  );
  await waitUntil(() => clients.every((client) => client.of("jobs").length === 1));
  const { status, job } = state.looks;
  assert(status <= 3 && job <= 3, `${status} looks at the status, ${job} at the job`);
  await hub.close();
});

Deno.test("nothing is looked for while nobody listens", async () => {
  const { hub, state } = world();
  const client = new Listener(hub.open(NOTHING));
  await waitUntil(() => client.of("status").length === 1);
  await client.leave();
  assertEquals(hub.size, 0);
  const { status } = state.looks;
  const next = new Listener(hub.open(NOTHING));
  await waitUntil(() => next.of("status").length === 1);
  assertEquals(state.looks.status, status + 1);
  await hub.close();
});

Deno.test("a client that does not read is dropped, and others go on", async () => {
  const { hub, state } = world();
  const big = "x".repeat(200_000);
  state.jobs.set("big", { id: "big", command: big });
  const deaf = hub.open({ ids: ["big"], logs: [] });
  const client = new Listener(hub.open({ ids: ["big"], logs: [] }));
  // One that reads hears it all, however much it is at once.
  await waitUntil(() => client.of("jobs").length === 1);
  state.jobs.set("big", { id: "big", command: `${big}!` });
  await waitUntil(() => client.of("jobs").length === 2);
  await waitUntil(() => hub.size === 1);
  const reader = deaf.getReader();
  // What was kept for it is thrown away with it.
  await assertRejectsAtOnce(reader);
  state.status = { jobs: "new" };
  await waitUntil(() => client.of("status").some(({ jobs }) => jobs === "new"));
  await hub.close();
});

async function assertRejectsAtOnce(reader: ReadableStreamDefaultReader<Uint8Array>) {
  const error = await reader.read().then(() => undefined, (error) => error);
  // A text: of an `Error` Deno would print a stack trace.
  assertEquals(error, "queuectl: A client that does not read its events was dropped");
}

Deno.test("a client that was slow is told what is news when it reads again", async () => {
  const { hub, state } = world();
  state.jobs.set("big", { id: "big", command: "x".repeat(200_000) });
  const stream = hub.open({ ids: ["big"], logs: [] });
  await waitUntil(() => state.looks.job > 0);
  for (const now of ["a", "b", "c"]) {
    const { job } = state.looks;
    state.jobs.set("big", { id: "big", state: now });
    await waitUntil(() => state.looks.job > job);
  }
  const client = new Listener(stream);
  await waitUntil(() => client.of("jobs").length === 2);
  assertEquals(client.of("jobs")[1].jobs[0], { id: "big", state: "c" });
  await hub.close();
});

Deno.test("there is an end to how many may listen", async () => {
  const { hub } = world();
  for (let i = 0; i < 200; i++) hub.open(NOTHING);
  assertEquals(assertThrows(() => hub.open(NOTHING), Problem).code, "busy");
  await hub.close();
  assertThrows(() => hub.open(NOTHING), Problem);
});

Deno.test("a store that is away ends no stream, and is told of once", async () => {
  const { hub, state } = world();
  state.fails = true;
  const client = new Listener(hub.open(NOTHING));
  await waitUntil(() => state.looks.status >= 3);
  assertEquals(state.warnings, ["Cannot look for changes: away"]);
  state.fails = false;
  await waitUntil(() => client.of("status").length === 1);
  await hub.close();
});

Deno.test("a job that is damaged keeps nobody from hearing of others, and is told of once", async () => {
  const { hub, state } = world();
  state.damaged = "bad";
  state.jobs.set("good", { id: "good", state: "pending" });
  state.log = { id: "good", attempt: 1, size: 1, running: true };
  const one = new Listener(hub.open({ ids: ["bad"], logs: [] }));
  const logs = [{ id: "good", attempt: undefined }];
  const other = new Listener(hub.open({ ids: ["bad", "good"], logs }));
  await waitUntil(() => other.of("jobs").length === 1 && other.of("log").length === 1);
  state.status = { jobs: { pending: 1 } };
  state.jobs.set("good", { id: "good", state: "completed" });
  await waitUntil(() => other.of("jobs").length === 2 && one.of("status").length === 2);
  assertEquals(other.of("jobs")[1].jobs[0].state, "completed");
  assertEquals(one.of("jobs"), []);
  assertEquals(state.warnings, ["Cannot look for changes: bad is damaged"]);
  await hub.close();
});

Deno.test("the stream of the API tells of real jobs", () =>
  withApi(async (api) => {
    const { world } = api;
    const id = await world.enqueue("--env", "A=secret", "echo");
    const answer = await api.get(`/api/events?ids=${id}&log=${id}`);
    assertEquals(answer.headers.get("content-type"), "text/event-stream");
    const client = new Listener(answer.body!);
    await waitUntil(() => client.of("jobs").length === 1);
    assertEquals(client.of("status")[0].jobs.pending, 1);
    assertEquals(client.of("jobs")[0].jobs[0].env, { A: "***" });
    await world.claim();
    world.files.makeAll(world.logPath(id, 1).replace(/\/[^/]+$/, ""));
    world.files.write(world.logPath(id, 1), "some output");
    await waitUntil(() => client.of("log").length === 1);
    assertEquals(client.of("log")[0], { id, attempt: 1, size: 11, running: true });
    await world.end(id);
    await waitUntil(() => client.of("log").length === 2);
    await waitUntil(() => client.of("jobs").at(-1).jobs[0]?.state === "completed");
    assertEquals(api.warnings, []);
  }));
