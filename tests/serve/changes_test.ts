// Changes of many jobs that go on in the background: progress, stopping, refusals, failures.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type ApiWorld, codeOf, withApi } from "../support/api_world.ts";
import { waitUntil } from "../support/wait_until.ts";

// deno-lint-ignore no-explicit-any -- as the API has it
type Json = any;

/** A store that changes as many jobs as it is let, and then waits. */
function slow({ world: { store } }: ApiWorld) {
  let let_ = 0;
  let wake = Promise.withResolvers<void>();
  const change = store.change.bind(store);
  store.change = async (...args) => {
    while (let_ === 0) await wake.promise;
    let_--;
    return await change(...args);
  };
  return {
    letGo(count: number) {
      let_ += count;
      wake.resolve();
      wake = Promise.withResolvers();
    },
  };
}

/** Asks until it is so. */
async function until(api: ApiWorld, id: string, isSo: (change: Json) => boolean): Promise<Json> {
  let change: Json;
  await waitUntil(async () => isSo(change = await api.json(`/api/changes/${id}`)), "it is so");
  return change;
}

const hasEnded = ({ ended_at }: Json) => ended_at !== null;

Deno.test("a change that is soon done is done when its answer comes", () =>
  withApi(async (api) => {
    for (let i = 0; i < 3; i++) await api.world.dead("flaky");
    const [status, change] = await api.post("/api/changes", {
      verb: "retry",
      filter: { command: "fl*", exit_code: "3" },
    });
    assertEquals([status, change.state, change.matched, change.done], [202, "done", 3, 3]);
    assertEquals([change.verb, change.filter], ["retry", { command: "fl*", exit_code: "3" }]);
    assertEquals((await api.json("/api/status")).jobs.dead, 0);
    assertEquals(await api.json("/api/changes"), [change]);
  }));

Deno.test("a change that takes long tells how far it has come, and can be left", () =>
  withApi(async (api) => {
    for (let i = 0; i < 5; i++) await api.world.dead();
    const { letGo } = slow(api);
    const [, begun] = await api.post("/api/changes", { verb: "retry", filter: {} });
    assertEquals([begun.state, begun.matched, begun.done], ["changing", 5, 0]);
    assertEquals([begun.complete, begun.ended_at], [true, null]);
    letGo(2);
    const later = await until(api, begun.id, ({ done }) => done === 2);
    assertEquals([later.state, later.matched], ["changing", 5]);
    letGo(3);
    const end = await until(api, begun.id, hasEnded);
    assertEquals([end.state, end.done, end.refused, end.error], ["done", 5, 0, null]);
    assertEquals((await api.json("/api/status")).jobs.dead, 0);
  }));

Deno.test("a change that is stopped leaves what it has done, and does no more", () =>
  withApi(async (api) => {
    for (let i = 0; i < 4; i++) await api.world.dead();
    const { letGo } = slow(api);
    const [, { id }] = await api.post("/api/changes", { verb: "retry", filter: {} });
    letGo(1);
    await until(api, id, ({ done }) => done === 1);
    assertEquals((await api.post(`/api/changes/${id}/stop`))[0], 200);
    letGo(100);
    const end = await until(api, id, hasEnded);
    assertEquals([end.state, end.complete, end.matched], ["stopped", false, 4]);
    const { dead } = await api.world.store.count();
    // The one that was under way when it was stopped is done, too.
    assert(end.done <= 2 && dead === 4 - end.done, JSON.stringify(end));
  }));

Deno.test("a change says why jobs were refused, and why it failed as a whole", () =>
  withApi(async (api) => {
    const { world } = api;
    const [dead, waiting] = [await world.dead(), await world.enqueue("true")];
    const ids = [waiting, dead];
    const [, { refused, done, refusals }] = await api.post("/api/changes", { verb: "retry", ids });
    assertEquals([refused, done], [1, 1]);
    assertStringIncludes(refusals[0].message, waiting);
    world.store.change = () => Promise.reject(new Error("the disk is gone"));
    const [, failed] = await api.post("/api/changes", { verb: "cancel", filter: {} });
    assertEquals([failed.state, failed.error], ["failed", "the disk is gone"]);
    assertEquals((await api.json("/api/changes")).length, 2);
  }));

Deno.test("not too many changes go on at once, and all end with the server", async () => {
  let began: Json[] = [];
  await withApi(async (api) => {
    await api.world.dead();
    const { letGo } = slow(api);
    const begin = () => api.post("/api/changes", { verb: "retry", filter: {} });
    began = await Promise.all(Array.from({ length: 8 }, begin));
    assertEquals(began.map(([status]) => status), Array(8).fill(202));
    const [status, { error }] = await begin();
    assertEquals([status, error.code], [503, "busy"]);
    letGo(100);
  });
  assertEquals(began.length, 8);
});

Deno.test("a server that ends says of each change how far it came, unless it was done", async () => {
  let warnings: string[] = [];
  await withApi(async (api) => {
    ({ warnings } = api);
    await api.world.dead();
    await api.post("/api/changes", { verb: "retry", filter: {} });
    for (let i = 0; i < 4; i++) await api.world.dead();
    const { letGo } = slow(api);
    const [, { id }] = await api.post("/api/changes", { verb: "retry", filter: {} });
    letGo(2);
    await until(api, id, ({ done }) => done === 2);
    const closed = api.server.close();
    letGo(100);
    await closed;
  });
  // The one that was under way is done, too.
  assertEquals(warnings, [
    "Stopped retrying jobs: 3 of 4 done; the others stay as they are",
  ]);
});

Deno.test("a server that ends while a change still looks for jobs says that none was changed", async () => {
  let warnings: string[] = [];
  await withApi(async (api) => {
    ({ warnings } = api);
    await api.world.dead();
    const { store } = api.world;
    const list = store.list.bind(store);
    const looks = Promise.withResolvers<void>();
    store.list = async function* (query, watching) {
      looks.resolve();
      const { signal } = watching!;
      if (!signal.aborted) await new Promise((end) => signal.addEventListener("abort", end));
      yield* list(query);
    };
    const begun = api.post("/api/changes", { verb: "remove", filter: {} });
    await looks.promise;
    await api.server.close();
    await begun;
  });
  assertEquals(warnings, ["Stopped removing jobs: none was changed yet"]);
});

Deno.test("a change that nobody could mean is refused before anything is done", () =>
  withApi(async (api) => {
    await api.world.dead();
    for (
      const body of [
        {},
        { verb: "retry" },
        { verb: "drop", filter: {} },
        { filter: {} },
        { verb: "retry", filter: {}, ids: [] },
        { verb: "retry", filter: { stat: "dead" } },
        { verb: "retry", filter: { exit_code: "x" } },
        { verb: "retry", filter: {}, dry_run: true },
      ]
    ) {
      const [status, { error }] = await api.post("/api/changes", body);
      assertEquals([status, error.code], [400, "usage"], JSON.stringify(body));
    }
    assertEquals(await api.json("/api/changes"), []);
    assertEquals(await codeOf(await api.get("/api/changes/none")), [404, "not_found"]);
    assertEquals((await api.post("/api/changes/none/stop"))[0], 404);
  }));

Deno.test("who may only look may begin no change, but see those of others", () =>
  withApi(async (api) => {
    const [status] = await api.post("/api/changes", { verb: "retry", filter: {} });
    assertEquals([status, (await api.get("/api/changes")).status], [403, 200]);
  }, { readOnly: true }));
