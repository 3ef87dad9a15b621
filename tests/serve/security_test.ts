// Who is kept out: each attack that the server has to withstand, against its handler.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Access } from "../../src/serve/access.ts";
import { ROUTES } from "../../src/serve/routes.ts";
import { type Asking, codeOf, HOST, TOKEN, withApi } from "../support/api_world.ts";
import { NOON } from "../support/world.ts";

const CHANGES = ROUTES.filter(({ method, isSafe }) => method === "POST" && isSafe !== true);
const pathOf = (path: string) => path.replaceAll(/\{.+?\}/g, "x");
const NOBODY: Asking = { token: undefined };

/** What a browser that has the cookie sends along. */
function cookieOf(access: Access): string {
  return access.setCookie(7878).split(";")[0]!;
}

Deno.test("without the token nothing is told and nothing is done", () =>
  withApi(async (api) => {
    const id = await api.world.dead();
    for (const { method, path, open } of ROUTES) {
      if (open === "always") continue;
      const body = method === "POST" ? {} : undefined;
      for (const token of [undefined, "wrong", "", `${TOKEN}x`, TOKEN.slice(1)]) {
        const answer = await api.ask(method, pathOf(path).replace("/x/", `/${id}/`), body, {
          token,
        });
        assertEquals(await codeOf(answer), [401, "unauthorized"], `${method} ${path} ${token}`);
        assertEquals(answer.headers.get("www-authenticate"), "Bearer");
      }
    }
    const wrong = { ...NOBODY, headers: { cookie: "queuectl_7878=abc; queuectl_1=x" } };
    assertEquals((await api.get("/api/jobs", wrong)).status, 401);
    assertEquals((await api.get("/api/openapi.json", NOBODY)).status, 401);
    assertEquals((await api.world.store.get(id))?.status.state, "dead");
    // What tells nothing of the queue is there for all.
    for (const path of ["/", "/page.js", "/page.css", "/healthz"]) {
      const answer = await api.get(path, NOBODY);
      assertEquals(answer.status, 200);
      assert(!(await answer.text()).includes(id));
    }
  }, { allowEnqueue: true }));

Deno.test("the token is no part of a URL: neither a parameter nor a user's name", () =>
  withApi(async (api) => {
    assertEquals((await api.get(`/api/status?token=${TOKEN}`, NOBODY)).status, 401);
    const basic = { ...NOBODY, headers: { authorization: `Basic ${btoa(`x:${TOKEN}`)}` } };
    assertEquals((await api.get("/api/status", basic)).status, 401);
  }));

Deno.test("a code is exchanged for the cookie, once, and does not last for ever", () =>
  withApi(async (api) => {
    const code = api.access.newCode(api.world.now);
    const path = `/?code=${code}`;
    // A browser that looks ahead, or only for the headers, does not use it up.
    const ahead = { ...NOBODY, headers: { "sec-purpose": "prefetch;prerender" } };
    assertEquals((await api.get(path, ahead)).headers.get("set-cookie"), null);
    assertEquals((await api.ask("HEAD", path, undefined, NOBODY)).headers.get("set-cookie"), null);
    const first = await api.get(path, NOBODY);
    assertEquals([first.status, first.headers.get("location")], [303, "/"]);
    const set = first.headers.get("set-cookie")!;
    assertEquals(
      set.replace(/=[0-9a-f]{64};/, "=…;"),
      "queuectl_7878=…; Path=/; HttpOnly; SameSite=Strict",
    );
    assert(!set.includes(TOKEN));
    const again = await api.get(path, NOBODY);
    assertEquals([again.status, again.headers.get("set-cookie")], [200, null]);
    const cookie = { ...NOBODY, headers: { cookie: `a=b; ${set.split(";")[0]}` } };
    assertEquals((await api.get("/api/status", cookie)).status, 200);
    const late = api.access.newCode(NOON);
    api.world.now = NOON + 25 * 3600_000;
    assertEquals((await api.get(`/?code=${late}`, NOBODY)).headers.get("set-cookie"), null);
    assertEquals((await api.get("/?code=", NOBODY)).headers.get("set-cookie"), null);
  }));

Deno.test("a session begins with the token or a code, from no foreign page", () =>
  withApi(async (api) => {
    const begin = (body: unknown, headers = {}) =>
      api.ask("POST", "/api/session", body, { ...NOBODY, headers });
    const code = api.access.newCode(api.world.now);
    for (const body of [{ token: TOKEN }, { code }]) {
      const answer = await begin(body);
      assertEquals([answer.status, answer.headers.has("set-cookie")], [204, true]);
    }
    for (const body of [{ token: "wrong" }, { code }, { code: "" }]) {
      assertEquals(await codeOf(await begin(body)), [401, "unauthorized"]);
    }
    for (
      const body of [{}, null, [], { token: 1 }, { token: TOKEN, code }, { token: TOKEN, x: 1 }]
    ) {
      assertEquals(await codeOf(await begin(body)), [400, "usage"]);
    }
    const foreign = await begin({ token: TOKEN }, { origin: "http://evil.example" });
    assertEquals([foreign.status, foreign.headers.get("set-cookie")], [403, null]);
  }));

Deno.test("a cookie of one port is none of another, nor of another token", async () => {
  const [one, other] = [await Access.of("one"), await Access.of("other")];
  const cookie = cookieOf(one);
  const headers = new Headers({ cookie });
  assertEquals([one.shownBy(headers, 7878), one.shownBy(headers, 7879)], ["cookie", "nothing"]);
  assertEquals(other.shownBy(headers, 7878), "nothing");
  // A page on another port of this host may have set one that comes first.
  const both = new Headers({ cookie: `queuectl_7878=theirs; queuectl_7878; ${cookie}` });
  assertEquals(one.shownBy(both, 7878), "cookie");
  assertEquals(cookieOf(await Access.of("one")), cookie);
});

Deno.test("a name that was rebound to this address is refused, token or not", () =>
  withApi(async (api) => {
    const code = api.access.newCode(api.world.now);
    for (const path of ["/", `/?code=${code}`, "/api/status", "/healthz", "/metrics", "/nothing"]) {
      const answer = await api.get(path, { host: "evil.example:7878" });
      assertEquals(await codeOf(answer), [421, "wrong_host"]);
      // The header alone, and the name in the URL alone (HTTP/2, a request line with a whole URL).
      const header = await api.get(path, { headers: { host: "evil.example:7878" } });
      assertEquals(header.status, 421);
      const both = { host: "evil.example", headers: { host: HOST } };
      assertEquals((await api.get(path, both)).status, 421);
    }
    assertEquals(
      (await api.post("/api/jobs/retry", { filter: {} }, { host: "evil.example" }))[0],
      421,
    );
    assert(api.access.spend(code, api.world.now), "it was not used up");
    // What Deno makes of a Host header that is none: a URL that can't be read.
    const request = new Request(`http://${HOST}/api/status`);
    for (const host of ["[", "a b", `${HOST}9999`]) {
      const url = `http://${host}/api/status`;
      Object.defineProperty(request, "url", { value: url, configurable: true });
      assertEquals((await api.server.handle(request)).status, 421, host);
    }
    for (const host of ["localhost:7878", "localhost:9000", "[::1]:7878", "127.0.0.1"]) {
      assertEquals((await api.get("/api/status", { host })).status, 200);
    }
  }));

Deno.test("no page of another origin gets anything, on another port of this host either", () =>
  withApi(async (api) => {
    const cookie = cookieOf(api.access);
    const id = await api.world.dead();
    const foreign: Record<string, string>[] = [
      { origin: "http://evil.example" },
      { origin: "null" },
      { origin: "http://127.0.0.1:3000" },
      { origin: "http://127.0.0.1" },
      { origin: "http://localhost:7878" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "http://127.0.0.1:3000", "sec-fetch-site": "same-site" },
    ];
    for (const headers of foreign) {
      for (const asking of [{ headers }, { ...NOBODY, headers: { ...headers, cookie } }]) {
        for (const { method, path } of ROUTES) {
          const body = method === "POST" ? {} : undefined;
          const answer = await api.ask(method, pathOf(path), body, asking);
          assertEquals(await codeOf(answer), [403, "forbidden"], `${path} ${Object.keys(headers)}`);
          assertEquals(answer.headers.get("access-control-allow-origin"), null);
        }
      }
    }
    assertEquals((await api.world.store.get(id))?.status.state, "dead");
    // What a browser asks before it sends a foreign request: no leave is given.
    const preflight = await api.ask("OPTIONS", "/api/jobs/retry", undefined, {
      ...NOBODY,
      headers: { origin: "http://evil.example", "access-control-request-method": "POST" },
    });
    assertEquals(preflight.status, 403);
  }));

Deno.test("a cookie alone changes nothing: the browser has to say that the page is ours", () =>
  withApi(async (api) => {
    const cookie = cookieOf(api.access);
    const id = await api.world.dead();
    const path = `/api/jobs/${id}/retry`;
    const as = (headers: Record<string, string>) => ({
      ...NOBODY,
      headers: { cookie, ...headers },
    });
    for (const { path } of CHANGES) {
      for (const headers of [{}, { "sec-fetch-site": "none" }] as Record<string, string>[]) {
        const answer = await api.ask("POST", pathOf(path), {}, as(headers));
        assertEquals(await codeOf(answer), [403, "forbidden"], path);
      }
    }
    assertEquals((await api.post(path, {}, as({ "sec-fetch-site": "same-origin" })))[0], 200);
    await api.world.work({ outcome: "failed", exitCode: 1 });
    assertEquals((await api.post(path, {}, as({ origin: `http://${HOST}` })))[0], 200);
    // Behind a proxy for TLS.
    await api.world.work({ outcome: "failed", exitCode: 1 });
    const tls = as({ origin: "https://queue.example", "sec-fetch-site": "same-origin" });
    assertEquals((await api.post(path, {}, tls))[0], 200);
  }, { allowEnqueue: true }));

Deno.test("a form of another page can't send what counts as JSON", () =>
  withApi(async (api) => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      const asking = { headers: { "content-type": type } };
      assertEquals(await codeOf(await api.ask("POST", "/api/jobs/retry", "{}", asking)), [
        415,
        "not_json",
      ]);
    }
  }));

Deno.test("--read-only refuses each change, whoever asks", () =>
  withApi(async (api) => {
    const id = await api.world.dead();
    for (const { path } of CHANGES) {
      const answer = await api.ask("POST", pathOf(path).replace("/x/", `/${id}/`), {});
      assertEquals(await codeOf(answer), [403, "read_only"], path);
    }
    assertEquals((await api.world.store.get(id))?.status.state, "dead");
    assertEquals((await api.json("/api/status")).read_only, true);
    assertEquals((await api.ask("POST", "/api/session", { token: TOKEN }, NOBODY)).status, 204);
  }, { readOnly: true }));

Deno.test("QUEUECTL_SERVE_TOKEN=none lets all look, and nobody change anything", () =>
  withApi(async (api) => {
    assertEquals((await api.get("/api/status", NOBODY)).status, 200);
    for (const { path } of CHANGES) {
      assertEquals((await api.ask("POST", pathOf(path), {}, NOBODY)).status, 403);
    }
    assertEquals((await api.ask("POST", "/api/session", { token: "none" }, NOBODY)).status, 401);
  }, { readOnly: true, token: undefined }));

Deno.test("nothing is enqueued without --allow-enqueue", () =>
  withApi(async (api) => {
    const [status, { error }] = await api.post("/api/jobs", { command: "id" });
    assertEquals([status, error.code], [403, "forbidden"]);
    assertStringIncludes(error.hint, "--allow-enqueue");
    assertEquals((await api.world.store.count()).pending, 0);
  }));

Deno.test("metrics need the token, unless they are public", async () => {
  await withApi(async (api) => assertEquals((await api.get("/metrics", NOBODY)).status, 401));
  await withApi(async (api) => {
    assertEquals((await api.get("/metrics", NOBODY)).status, 200);
    assertEquals((await api.get("/api/status", NOBODY)).status, 401);
  }, { publicMetrics: true });
});

Deno.test("each answer has the policy that keeps scripts of others out", () =>
  withApi(async (api) => {
    const answers = [
      await api.get("/"),
      await api.get("/page.js"),
      await api.get("/api/jobs"),
      await api.get("/api/jobs", NOBODY),
      await api.get("/nothing"),
      await api.get("/", { host: "evil.example" }),
      await api.ask("POST", "/api/jobs/retry", "{"),
    ];
    for (const { headers } of answers) {
      assertEquals(
        headers.get("content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
          "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      assertEquals(headers.get("x-content-type-options"), "nosniff");
      assertEquals(headers.get("referrer-policy"), "no-referrer");
      assertEquals(headers.get("cross-origin-resource-policy"), "same-origin");
      assertEquals(headers.get("cache-control"), "no-store");
      assertEquals([...headers.keys()].filter((name) => name.startsWith("access-control")), []);
    }
  }));

Deno.test("the page has no script or style of its own in it, which the policy would block", async () => {
  const { PAGE } = await import("../../src/serve/page.ts");
  const { text } = PAGE.get("/")!;
  assert(!/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|https?:/i.test(text), text);
});

Deno.test("a body that is too large, too slow, or no JSON is refused", () =>
  withApi(async (api) => {
    const send = async (body: BodyInit) => {
      const { headers } = new Request("http://x", {
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      headers.set("content-type", "application/json");
      const url = `http://${HOST}/api/jobs/retry`;
      return await codeOf(
        await api.server.handle(new Request(url, { method: "POST", headers, body })),
      );
    };
    assertEquals(await send(`{"ids":["${"x".repeat(1024 * 1024)}"]}`), [413, "too_large"]);
    let sent = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    assertEquals(await send(endless), [413, "too_large"]);
    assert(sent < 2 * 1024 * 1024, "no more is read than the limit");
    for (const body of ["{", "null", '"x"', "1", "[]"]) {
      assertEquals(await send(body), [400, "usage"], body);
    }
    const [, { error }] = await api.post("/api/jobs", "null");
    assertEquals(error.message, "the body takes an object");
    assertEquals(await send(new Uint8Array([0x22, 0xff, 0x22])), [400, "usage"]);
    assertEquals((await api.get(`/api/jobs?command=${"x".repeat(20_000)}`)).status, 414);
  }, { allowEnqueue: true }));

Deno.test("values of --env are *** wherever a job or a schedule is shown", () =>
  withApi(async (api) => {
    const { world } = api;
    const id = await world.enqueue("--env", "PASSWORD=hunter2", "true");
    await world.run("schedule", "add", "s", "--every", "1h", "--env", "PASSWORD=hunter2", "true");
    const [, { id: ran }] = await api.post("/api/schedules/s/run");
    const paths = ["/api/jobs", `/api/jobs/${id}`, `/api/jobs/${ran}`, "/api/schedules"]
      .concat("/api/schedules/s", "/api/status", "/metrics", `/api/jobs/${id}/graph`);
    for (const path of paths) {
      const text = await (await api.get(path)).text();
      assert(!text.includes("hunter2"), path);
    }
    assertEquals((await api.json(`/api/jobs/${id}`)).env, { PASSWORD: "***" });
    assertEquals((await api.json("/api/schedules/s")).job.env, { PASSWORD: "***" });
  }));

Deno.test("paths lead to no files, and odd ones to no bug", () =>
  withApi(async (api) => {
    for (
      const path of [
        "/api/jobs/..%2f..%2fetc%2fpasswd",
        "/api/jobs/..%2f..%2fetc%2fpasswd/logs",
        "/api/jobs/%00",
        "/api/jobs/%ff",
        "/api/jobs//logs",
        "/api/schedules/..%2fconfig",
        "/../../etc/passwd",
        "/page.js/",
        "/API/status",
      ]
    ) assertEquals((await api.get(path)).status, 404, path);
    for (const queue of ["..%2fx", "%00", "a%20b"]) {
      assertEquals((await api.post(`/api/queues/${queue}/pause`))[0], 400);
    }
    assertEquals(api.warnings, []);
  }));

Deno.test("what went wrong inside is told without where in the program", () =>
  withApi(async (api) => {
    api.world.store.count = () => Promise.reject(new TypeError("x is undefined"));
    const answer = await api.get("/api/status");
    const text = await answer.text();
    assertEquals([answer.status, JSON.parse(text).error.code], [500, "bug"]);
    assert(!/\.ts|\bat /.test(text), text);
    assertEquals(api.warnings, ["Cannot answer GET /api/status: x is undefined"]);
    assertEquals((await api.get("/healthz")).status, 503);
  }));
