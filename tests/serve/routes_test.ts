// What the API answers, route by route, over a world in memory.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openApi } from "../../src/serve/openapi.ts";
import { ROUTES } from "../../src/serve/routes.ts";
import type { Schema } from "../../src/serve/schema.ts";
import { SCHEMAS } from "../../src/serve/schemas.ts";
import { type ApiWorld, codeOf, withApi } from "../support/api_world.ts";
import { flawIn } from "../support/json_schema.ts";
import { NOON } from "../support/world.ts";

/** A world with a job in each state, a schedule, and queues. */
async function fill({ world }: ApiWorld): Promise<Record<string, string>> {
  const dead = await world.dead("false");
  const completed = await world.enqueue("--group", "g", "--job-id", "done", "echo done");
  await world.work();
  const failed = await world.enqueue("flaky");
  await world.work({ outcome: "failed", exitCode: 1, error: "exit code 1" });
  const processing = await world.enqueue("--env", "A=1", "sleep 9");
  world.workers = [aWorker("w1")];
  await world.claim();
  const blocked = await world.enqueue("--after", processing, "report");
  const pending = await world.enqueue("--queue", "mail", "--priority", "2", "send");
  const cancelled = await world.enqueue("never");
  await world.run("job", "cancel", cancelled);
  await world.run("schedule", "add", "nightly", "--cron", "0 3 * * *", "--tz", "UTC", "backup");
  await world.run("queue", "set", "mail", "--limit", "2", "--rate", "10/1m");
  world.files.makeAll(`/home/me/.local/share/queuectl/jobs/${completed.slice(0, 2)}`);
  world.files.write(world.logPath(completed, 1), "0123456789");
  return { dead, completed, failed, processing, blocked, pending, cancelled };
}

function aWorker(name: string) {
  const times = { startedAt: NOON - 5000, lastSeenAt: NOON };
  return { name, pid: 77, host: "box", ...times, ready: false };
}

Deno.test("each answer is as the OpenAPI document says", () =>
  withApi(async (api) => {
    const ids = await fill(api);
    const missing = new Set(ROUTES.map(({ method, path }) => `${method} ${path}`));
    const check = async (method: string, path: string, body?: unknown) => {
      const route = ROUTES.find((one) =>
        one.method === method &&
        new RegExp(`^${one.path.replaceAll(/\{.+?\}/g, "[^/]+")}$`).test(path.split("?")[0]!)
      )!;
      missing.delete(`${method} ${route.path}`);
      const answer = await api.ask(method, path, body);
      const { status = 200, type = "application/json", schema } = route.answer;
      const name = `${method} ${path}`;
      if (answer.status !== status) throw new Error(`${name}: ${await answer.text()}`);
      if (status === 204) return;
      assertEquals(answer.headers.get("content-type")?.split(";")[0], type, name);
      if (schema === undefined) await answer.body?.cancel();
      else assertEquals(flawIn(await answer.json(), schema), undefined, name);
    };
    for (
      const path of [
        "/api/status",
        "/api/activity",
        "/api/activity?period=day",
        "/api/dlq",
        "/api/config",
        "/api/jobs",
        "/api/failures",
        "/api/queues",
        "/api/schedules",
        "/api/schedules/nightly",
        `/api/jobs/${ids.completed}/logs`,
        "/api/events",
        "/metrics",
        "/healthz",
        ...Object.values(ids).flatMap((id) => [`/api/jobs/${id}`, `/api/jobs/${id}/graph`]),
      ]
    ) await check("GET", path);
    await check("POST", "/api/session", { token: "the-token" });
    await check("POST", "/api/jobs", { command: "true", delay: "1h" });
    await check("POST", `/api/jobs/${ids.dead}/retry`, {});
    await check("POST", `/api/jobs/${ids.pending}/cancel`, {});
    await check("POST", `/api/jobs/${ids.pending}/remove`, {});
    for (const verb of ["retry", "remove", "cancel"]) {
      await check("POST", `/api/jobs/${verb}`, { filter: {}, dry_run: true });
    }
    await check("POST", "/api/changes", { verb: "retry", filter: { state: "dead" } });
    await check("GET", "/api/changes");
    const [{ id: change }] = await api.json("/api/changes");
    await check("GET", `/api/changes/${change}`);
    await check("POST", `/api/changes/${change}/stop`, {});
    for (const verb of ["pause", "resume"]) {
      await check("POST", `/api/queues/mail/${verb}`, {});
      await check("POST", `/api/queues/other/${verb}`, {});
      await check("POST", `/api/schedules/nightly/${verb}`, {});
    }
    await check("POST", "/api/schedules/nightly/run", {});
    assertEquals([...missing], []);
    assertEquals(api.warnings, []);
  }, { allowEnqueue: true }));

Deno.test("the OpenAPI document names each route, and refers to nothing that is not there", () =>
  withApi(async (api) => {
    const document = await api.json("/api/openapi.json");
    assertEquals(document, JSON.parse(JSON.stringify(openApi(ROUTES, "1.2.3"))));
    const paths = document.paths as Record<string, Record<string, unknown>>;
    const named = Object.entries(paths)
      .flatMap(([path, methods]) => Object.keys(methods).map((one) => `${one} ${path}`));
    assertEquals(
      named.sort(),
      ROUTES.map(({ method, path }) => `${method.toLowerCase()} ${path}`).sort(),
    );
    const refs = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)];
    for (const [, name] of refs) assert(name! in SCHEMAS, name);
    const used = new Set(refs.map(([, name]) => name!));
    assertEquals(Object.keys(SCHEMAS).filter((name) => !used.has(name)), []);
    const summaries = ROUTES.map(({ summary }) => summary);
    assertEquals(summaries.filter((one) => !/^[A-Z][^.]+$/.test(one)), []);
  }));

Deno.test("jobs are listed by filters, the newest first, page by page", () =>
  withApi(async (api) => {
    const { world } = api;
    for (let i = 0; i < 25; i++) {
      world.now = NOON + i * 1000;
      const queue = i % 5 === 0 ? "five" : "default";
      await world.enqueue("--job-id", `j${i}`, "--queue", queue, `echo ${i % 2 ? "odd" : "even"}`);
    }
    const pages = async (query: string) => {
      const found: number[] = [];
      for (let cursor = "", more = true; more;) {
        const page = await api.json(`/api/jobs?${query}${cursor && `&cursor=${cursor}`}`);
        found.push(...page.jobs.map((job: { id: string }) => Number(job.id.slice(1))));
        assertEquals(page.looked_to, null);
        cursor = page.next_cursor ?? "";
        more = cursor !== "";
        // What comes meanwhile shifts no page.
        if (more) await world.enqueue(`new ${cursor}`);
      }
      return found;
    };
    const down = Array.from({ length: 25 }, (_, i) => 24 - i);
    assertEquals(await pages("limit=10"), down);
    assertEquals(await pages("limit=25&command=echo*"), down);
    assertEquals(await pages("limit=1&queue=five"), [20, 15, 10, 5, 0]);
    assertEquals(await pages("limit=2&queue=five&command=*odd"), [15, 5]);
    world.now = NOON + 24_000;
    assertEquals(await pages("limit=7&command=echo*&since=5s"), [24, 23, 22, 21, 20, 19]);
    assertEquals(await pages("state=dead,failed"), []);
  }));

Deno.test("wrong parameters are refused with a word that helps", () =>
  withApi(async (api) => {
    for (
      const [path, says] of [
        ["/api/jobs?stat=dead", "Did you mean state?"],
        ["/api/jobs?state=ded", "Did you mean dead?"],
        ["/api/jobs?limit=0", "from 1 to 500"],
        ["/api/jobs?limit=x", "from 1 to 500"],
        ["/api/jobs?queue=a&queue=b", "more than once"],
        ["/api/jobs?cursor=x", "next_cursor"],
        ["/api/jobs?since=soon", "since takes"],
        ["/api/status?x=1", "It takes none"],
        ["/api/activity?period=week", "hour or day"],
        ["/api/events?ids=../x", "whole ones"],
        ["/api/events?log=a:b", "ID:ATTEMPT"],
        [`/api/events?ids=${"a,".repeat(201)}`, "At most 200"],
      ] as const
    ) {
      const answer = await api.get(path);
      assertEquals(answer.status, 400, path);
      assertStringIncludes(JSON.stringify(await answer.json()), says);
    }
    assertEquals(await codeOf(await api.get("/api/nothing")), [404, "not_found"]);
    const wrong = await api.ask("DELETE", "/api/jobs/a/retry");
    assertEquals([wrong.status, wrong.headers.get("allow")], [405, "POST"]);
    assertEquals((await api.ask("PUT", "/")).status, 405);
    const head = await api.ask("HEAD", "/api/jobs");
    assertEquals([head.status, await head.text()], [200, ""]);
  }));

Deno.test("a search that takes too long says how far it came, and goes on from there", () =>
  withApi(async (api) => {
    const { store } = api.world;
    for (const id of ["a", "b", "c"]) await api.world.enqueue("--job-id", id, "rare");
    const list = store.list.bind(store);
    // Looks at one job, and then at more than there is time for.
    store.list = async function* (query, watching) {
      for await (const job of list(query, watching)) {
        yield job;
        watching!.passed(job);
        await new Promise((resolve) => watching!.signal.addEventListener("abort", resolve));
        return;
      }
    };
    const first = await api.json("/api/jobs?command=rare");
    assertEquals(first.jobs.map((job: { id: string }) => job.id), ["c"]);
    assertEquals(first.looked_to, new Date(NOON).toISOString());
    store.list = list;
    const rest = await api.json(`/api/jobs?command=rare&cursor=${first.next_cursor}`);
    assertEquals(rest.jobs.map((job: { id: string }) => job.id), ["b", "a"]);
  }, { searchTime: 10 }));

Deno.test("a job is found by a beginning of its id, and its page has all attempts", () =>
  withApi(async (api) => {
    const { world } = api;
    const id = await world.dead("exit 3");
    await world.run("job", "retry", id);
    await world.claim("w2");
    const job = await api.json(`/api/jobs/${id.slice(0, 8)}`);
    assertEquals(
      [job.id, job.state, job.history.map((one: { outcome: string }) => one.outcome)],
      [id, "processing", ["failed", null]],
    );
    const { jobs: [listed] } = await api.json("/api/jobs");
    assertEquals([listed.history, listed.last], [undefined, job.history[0]]);
    assertEquals(job.orphaned, true);
    world.workers = [aWorker("w2")];
    assertEquals((await api.json(`/api/jobs/${id}`)).orphaned, false);
    assertEquals(await codeOf(await api.get("/api/jobs/zzz")), [404, "not_found"]);
    await world.enqueue("--job-id", "twin-1", "true");
    await world.enqueue("--job-id", "twin-2", "true");
    assertEquals(await codeOf(await api.get("/api/jobs/twin")), [409, "ambiguous_id"]);
  }));

Deno.test("the graph has what a job waits for, what waits for it, and so on", () =>
  withApi(async (api) => {
    const { world } = api;
    for (const [id, ...after] of [["a"], ["b", "a"], ["c", "a"], ["d", "b,c"], ["other"]]) {
      const flags = after.flatMap((ids) => ["--after", ids]);
      await world.enqueue("--job-id", id!, ...flags, `run ${id}`);
    }
    const graph = await api.json("/api/jobs/b/graph");
    assertEquals(graph.nodes.map((node: { id: string }) => node.id).sort(), ["a", "b", "c", "d"]);
    const edges = graph.edges.map(({ from, to }: { from: string; to: string }) => `${from}>${to}`);
    assertEquals(edges.sort(), ["a>b", "a>c", "b>d", "c>d"]);
    assertEquals(graph.cut, false);
  }));

Deno.test("logs come whole or by ranges, the end first", () =>
  withApi(async (api) => {
    const ids = await fill(api);
    const path = `/api/jobs/${ids.completed}/logs`;
    const read = async (range?: string, query = "") => {
      const answer = await api.get(path + query, { headers: range === undefined ? {} : { range } });
      const { headers, status } = answer;
      return [status, await answer.text(), headers.get("content-range"), headers.get("x-attempt")];
    };
    assertEquals(await read(), [200, "0123456789", null, "1"]);
    assertEquals(await read("bytes=-4"), [206, "6789", "bytes 6-9/10", "1"]);
    assertEquals(await read("bytes=2-3"), [206, "23", "bytes 2-3/10", "1"]);
    assertEquals(await read("bytes=8-"), [206, "89", "bytes 8-9/10", "1"]);
    assertEquals((await read("bytes=10-"))[2], "bytes */10");
    assertEquals((await read("bytes=10-"))[0], 416);
    const file = await api.get(`${path}?download=true&attempt=1`);
    assertEquals(file.headers.get("content-disposition"), 'attachment; filename="done.1.log"');
    assertEquals(file.headers.get("content-type"), "text/plain; charset=utf-8");
    assertEquals(await file.text(), "0123456789");
    assertEquals(await codeOf(await api.get(`${path}?attempt=2`)), [404, "not_found"]);
    assertEquals(await codeOf(await api.get(`/api/jobs/${ids.pending}/logs`)), [404, "not_found"]);
    // One that runs and has printed nothing has an empty log.
    const running = await api.get(`/api/jobs/${ids.processing}/logs`);
    assertEquals([running.status, await running.text()], [200, ""]);
    const none = await api.get(`/api/jobs/${ids.processing}/logs`, {
      headers: { range: "bytes=0-" },
    });
    assertEquals(none.headers.get("content-range"), "bytes */0");
  }));

Deno.test("a log that is removed while it is sent ends the answer, with one line that says so", () =>
  withApi(async (api) => {
    const { completed } = await fill(api);
    const { body } = await api.get(`/api/jobs/${completed}/logs`);
    api.world.files.remove(api.world.logPath(completed!, 1));
    const error = await new Response(body).text().then(() => undefined, (error) => error);
    // A text: of an `Error` Deno would print a stack trace.
    assertEquals(error, `queuectl: Cannot send a log: that of job "${completed}" is gone`);
  }));

Deno.test("enqueueing does what a line of enqueue --file does, and refuses what that refuses", () =>
  withApi(async (api) => {
    const { world } = api;
    const [status, done] = await api.post("/api/jobs", {
      command: "make",
      priority: 3,
      env: { A: "1" },
      unique: "k",
      queue: "q",
    });
    assertEquals([status, done], [201, { id: "new-1", enqueued: true, remark: null }]);
    const job = await world.store.get("new-1");
    assertEquals([job?.command, job?.cwd, job?.priority, job?.env], ["make", "/here", 3, {
      A: "1",
    }]);
    const [again, kept] = await api.post("/api/jobs", { command: "make", unique: "k" });
    assertEquals([again, kept.id, kept.enqueued], [200, "new-1", false]);
    assertStringIncludes(kept.remark, 'has the key "k"');
    for (
      const [body, code] of [
        [{}, 400],
        [[], 400],
        [{ command: "" }, 400],
        [{ command: "x", prio: 1 }, 400],
        [{ command: "x", queue: "a/b" }, 400],
        [{ command: "x", id: "new-1" }, 409],
        [{ command: "x", after: ["nobody"] }, 404],
      ] as const
    ) assertEquals((await api.post("/api/jobs", body))[0], code, JSON.stringify(body));
    assertEquals((await world.store.count()).pending, 1);
  }, { allowEnqueue: true }));

Deno.test("one job is retried, cancelled and removed as by the commands, refusals too", () =>
  withApi(async (api) => {
    const ids = await fill(api);
    const { store } = api.world;
    const state = async (id: string) => (await store.get(id))?.status.state;
    assertEquals(await api.post(`/api/jobs/${ids.dead}/retry`), [200, { id: ids.dead }]);
    assertEquals(await state(ids.dead!), "pending");
    assertEquals(await api.post(`/api/jobs/${ids.pending}/cancel`), [200, { id: ids.pending }]);
    assertEquals(await state(ids.pending!), "cancelled");
    assertEquals(await api.post(`/api/jobs/${ids.completed}/remove`), [200, { id: ids.completed }]);
    assertEquals(await state(ids.completed!), undefined);
    const [status, { error }] = await api.post(`/api/jobs/${ids.processing}/remove`);
    assertEquals([status, error.code], [409, "wrong_state"]);
    assertStringIncludes(error.message, "it is running");
    assertEquals((await api.post(`/api/jobs/${ids.failed}/retry`))[0], 409);
    assertEquals((await api.post(`/api/jobs/${ids.dead}/retry`))[0], 409);
    assertEquals((await api.post("/api/jobs/nobody/cancel"))[0], 404);
  }));

Deno.test("a running job is cancelled by its worker, and the answer waits for that", () =>
  withApi(async (api) => {
    const { world } = api;
    const id = await world.enqueue("sleep 99");
    await world.claim();
    world.workers = [aWorker("w1")];
    let asked = 0;
    world.onCancel = () => void asked++;
    world.meanwhile = async () => {
      world.meanwhile = () => {};
      await world.end(id, { outcome: "cancelled" });
    };
    assertEquals(await api.post(`/api/jobs/${id}/cancel`), [200, { id }]);
    assertEquals([asked, (await world.store.get(id))?.status.state], [1, "cancelled"]);
  }));

Deno.test("all that fit a filter are changed, with a count before and after", () =>
  withApi(async (api) => {
    const { world } = api;
    for (let i = 0; i < 5; i++) await world.dead(i < 3 ? "flaky a" : "flaky b");
    await world.enqueue("fine");
    const path = "/api/jobs/retry";
    const nothing = { complete: true, done: 0, refused: 0, refusals: [] };
    const dry = async (filter: unknown) => {
      const [status, answer] = await api.post(path, { filter, dry_run: true });
      assertEquals([status, answer], [200, { ...nothing, matched: answer.matched }]);
      return answer.matched;
    };
    assertEquals(await dry({}), 5);
    assertEquals(await dry({ state: "dead" }), 5);
    assertEquals(await dry({ command: "*a" }), 3);
    assertEquals(await dry({ state: "pending" }), 0);
    assertEquals((await world.store.count()).dead, 5);
    const [, done] = await api.post(path, { filter: { state: "dead", command: "*a" } });
    assertEquals(done, { ...nothing, matched: 3, done: 3 });
    // What was changed shows at once.
    assertEquals((await api.json("/api/status")).jobs.dead, 2);
    assertEquals(await dry({}), 2);
    const [, cancelled] = await api.post("/api/jobs/cancel", { filter: { command: "flaky a" } });
    assertEquals([cancelled.matched, cancelled.done], [3, 3]);
    const [, removed] = await api.post("/api/jobs/remove", { filter: {} });
    assertEquals([removed.matched, removed.done], [5, 5]);
    const { pending, dead, cancelled: left } = await world.store.count();
    assertEquals([pending, dead, left], [1, 0, 0]);
  }));

Deno.test("of several ids each is tried, and it is said why one could not be", () =>
  withApi(async (api) => {
    const { world } = api;
    const [dead, waiting] = [await world.dead(), await world.enqueue("true")];
    const [, answer] = await api.post("/api/jobs/retry", { ids: [dead, waiting, "nobody", dead] });
    assertEquals([answer.matched, answer.done, answer.refused], [3, 1, 2]);
    assertStringIncludes(answer.refusals[0].message, waiting);
    assertStringIncludes(answer.refusals[1].message, "nobody");
  }));

Deno.test("a bulk change without a filter is refused, so that no slip changes all", () =>
  withApi(async (api) => {
    await api.world.dead();
    for (
      const body of [
        {},
        [],
        null,
        { filter: null },
        { filter: [] },
        { filter: {}, ids: [] },
        { filter: { stat: "dead" } },
        { filter: { state: ["dead"] } },
        { filter: {}, dry: true },
        { filter: {}, dry_run: "yes" },
        { ids: "a" },
        { ids: ["../x"] },
        { ids: Array(1001).fill("a") },
      ]
    ) {
      const [status] = await api.post("/api/jobs/remove", body);
      assertEquals(status, 400, JSON.stringify(body));
    }
    assertEquals((await api.world.store.count()).dead, 1);
  }));

Deno.test("queues are paused and resumed, and shown so", () =>
  withApi(async (api) => {
    await api.world.enqueue("--queue", "mail", "send");
    const [, paused] = await api.post("/api/queues/mail/pause");
    assertEquals([paused.name, paused.paused, paused.waiting], ["mail", true, 1]);
    const queues = await api.json("/api/queues");
    assertEquals(queues.map((one: { paused: boolean }) => one.paused), [false, true]);
    assertEquals((await api.post("/api/queues/mail/resume"))[1].paused, false);
    assertEquals((await api.post("/api/queues/new/pause"))[1].paused, true);
  }));

Deno.test("a schedule is run, paused and resumed, and shows its times and jobs", () =>
  withApi(async (api) => {
    const { world } = api;
    await world.run("schedule", "add", "nightly", "--cron", "0 3 * * *", "--tz", "UTC", "backup");
    const [status, ran] = await api.post("/api/schedules/nightly/run");
    assertEquals([status, ran.enqueued, ran.remark], [200, true, null]);
    assertMatch(ran.id, /^nightly-run-20300131T120000-new-1$/);
    assertEquals((await world.store.get(ran.id))?.schedule, "nightly");
    const [, paused] = await api.post("/api/schedules/nightly/pause");
    assertEquals([paused.paused, paused.next_at], [true, null]);
    const [, resumed] = await api.post("/api/schedules/nightly/resume");
    assertEquals([resumed.paused, resumed.next_at], [false, "2030-02-01T03:00:00.000Z"]);
    const day = 24 * 3600_000;
    for (const back of [0, 1, 40, 400]) {
      const stamp = new Date(NOON - back * day).toISOString().slice(0, 19).replace(/[-:]/g, "");
      const id = `nightly-${stamp}Z`;
      const settings = { max_retries: 3, job_timeout: 0 };
      const { enqueue } = await import("../../src/queue/enqueue.ts");
      const newJob = { id, command: "backup", cwd: "/", schedule: "nightly" };
      await enqueue(world.store, newJob, { settings, now: NOON, newId: () => id });
    }
    const page = await api.json("/api/schedules/nightly");
    assertEquals(page.next.length, 5);
    assertEquals(page.history.map((job: { id: string }) => job.id), [
      ran.id,
      "nightly-20300131T120000Z",
      "nightly-20300130T120000Z",
      "nightly-20291222T120000Z",
      "nightly-20281227T120000Z",
    ]);
    assertEquals(await codeOf(await api.get("/api/schedules/nightl")), [404, "not_found"]);
  }));

Deno.test("the last failures are listed by when they failed, not by when they came", () =>
  withApi(async (api) => {
    const { world } = api;
    const ids = [];
    for (const retries of ["0", "1", "0"]) {
      ids.push(await world.enqueue("--priority", `${ids.length}`, "--max-retries", retries, "x"));
    }
    for (const _ of ids) await world.work({ outcome: "failed", exitCode: 7 });
    const { jobs } = await api.json("/api/failures");
    const shown = jobs.map((
      { id, state, last }: { id: string; state: string; last: { exit_code: number } },
    ) => [id, state, last.exit_code]);
    assertEquals(shown, [[ids[0], "dead", 7], [ids[1], "failed", 7], [ids[2], "dead", 7]]);
    assertEquals((await api.json("/api/failures?limit=1")).jobs.length, 1);
    assertEquals(await codeOf(await api.get("/api/failures?limit=0")), [400, "usage"]);
  }));

Deno.test("a group of dead jobs is what a filter by command and exit code finds", () =>
  withApi(async (api) => {
    for (const command of ["a", "b", "b"]) await api.world.dead(command);
    const lost = await api.world.enqueue("--max-retries", "0", "b");
    await api.world.work({ outcome: "timed_out", exitCode: null });
    const { jobs } = await api.json("/api/jobs?state=dead&command=b&exit_code=none");
    assertEquals(jobs.map(({ id }: { id: string }) => id), [lost]);
    assertEquals((await api.json("/api/jobs?exit_code=3")).jobs.length, 3);
    const group = { state: "dead", command: "b", exit_code: "3" };
    const [, counted] = await api.post("/api/jobs/retry", { filter: group, dry_run: true });
    assertEquals(counted.matched, 2);
    const [, retried] = await api.post("/api/jobs/retry", { filter: group });
    assertEquals([retried.done, retried.refused], [2, 0]);
    const { groups } = await api.json("/api/dlq");
    assertEquals(
      groups.map((one: Record<string, unknown>) => [one.command, one.exit_code, one.count]),
      [["b", null, 1], ["a", 3, 1]],
    );
    for (const wrong of ["-1", "x", "", "1.5"]) {
      const answer = await api.get(`/api/jobs?exit_code=${wrong}`);
      assertEquals(await codeOf(answer), [400, "usage"], wrong);
    }
  }));

Deno.test("the dead letter queue is grouped by command and exit code, the biggest first", () =>
  withApi(async (api) => {
    for (const command of ["a", "b", "b"]) await api.world.dead(command);
    const last = await api.world.enqueue("--max-retries", "0", "b");
    await api.world.work({ outcome: "timed_out", exitCode: null });
    const { total, groups, by_exit_code, left_out } = await api.json("/api/dlq");
    assertEquals([total, by_exit_code, left_out], [4, { 3: 3, none: 1 }, 0]);
    assertEquals(
      groups.map((one: Record<string, unknown>) => [one.command, one.exit_code, one.count]),
      [["b", 3, 2], ["b", null, 1], ["a", 3, 1]],
    );
    assertEquals(groups[1].newest_id, last);
  }));

Deno.test("flawIn() finds what is not as a schema says", () => {
  const schema: Schema = {
    type: "object",
    properties: { a: { type: "integer" } },
    required: ["a"],
  };
  assertEquals(flawIn({ a: 1 }, schema), undefined);
  for (const wrong of [{}, { a: 1.5 }, { a: 1, b: 2 }, [], null]) assert(flawIn(wrong, schema));
});
