// `queuectl serve` as a process: its address, its token, its end; and what only shows on a socket.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ROUTES } from "../../src/serve/routes.ts";
import { type QueueProgram, type Serving, withQueue } from "../support/queue_program.ts";
import { isOnServer } from "../support/test_store.ts";
import { waitUntil } from "../support/wait_until.ts";

const ignore = Deno.build.os === "windows";

async function tokenOf(queue: QueueProgram, { port }: Serving): Promise<string> {
  return await queue.ok("serve", "--print-token", "--listen", `127.0.0.1:${port}`);
}

async function get(url: string, token: string): Promise<Response> {
  return await fetch(url, { headers: { authorization: `Bearer ${token}` } });
}

/** The paths of all files in a folder and below. */
function filesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(`${folder}/${name}`) : `${folder}/${name}`
  );
}

/** Sends a request as it is written, and returns the first line of the answer. */
async function firstLine({ port }: Serving, request: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    await connection.write(new TextEncoder().encode(request));
    const bytes = new Uint8Array(4096);
    const length = await connection.read(bytes);
    return new TextDecoder().decode(bytes.subarray(0, length ?? 0)).split("\r\n")[0]!;
  } finally {
    connection.close();
  }
}

Deno.test({
  name: "serve prints an address that works once, keeps its token private, and ends cleanly",
  ignore: ignore || isOnServer,
  fn: () =>
    withQueue(async (queue) => {
      const id = await queue.ok("enqueue", "true");
      const serving = await queue.serve();
      const { address, origin, port } = serving;
      assertMatch(address.href, /^http:\/\/127\.0\.0\.1:\d+\/\?code=[\w-]{43}$/);
      const first = await fetch(address, { redirect: "manual" });
      await first.body?.cancel();
      assertEquals(first.status, 303);
      const cookie = first.headers.get("set-cookie")!.split(";")[0]!;
      const again = await fetch(address, { redirect: "manual" });
      assertEquals([again.status, again.headers.get("set-cookie")], [200, null]);
      assertStringIncludes(await again.text(), "<title>queuectl</title>");
      const seen = await fetch(`${origin}/api/jobs/${id}`, { headers: { cookie } });
      assertEquals((await seen.json()).state, "pending");

      const token = await tokenOf(queue, serving);
      const path = `${queue.hostFolder()}/serve-${port}.token`;
      assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
      assert(!address.href.includes(token));
      assertEquals((await queue.run(["storage", "check"])).code, 0);

      // A stream that is open does not keep it from ending, and ends itself.
      const stream = (await get(`${origin}/api/events`, token)).body!
        .pipeThrough(new TextDecoderStream()).getReader();
      for (let said = ""; !said.includes("event: status");) said += (await stream.read()).value!;
      const { code, stderr } = await serving.end();
      assertEquals(code, 0);
      while (!(await stream.read()).done);
      assertEquals(stderr, `Serving ${queue.name}; this address works once:\n`);
      const gone = await queue.run(["serve", "--print-token", "--listen", `127.0.0.1:${port}`]);
      assertEquals([gone.code, gone.stdout], [1, ""]);
      assertStringIncludes(gone.stderr, `No queuectl serve runs on port ${port}`);
    }),
});

Deno.test({
  name: "serve that was killed leaves no token that is taken for good",
  ignore: ignore || isOnServer,
  fn: () =>
    withQueue(async (queue) => {
      const serving = await queue.serve();
      const path = `${queue.hostFolder()}/serve-${serving.port}.token`;
      await serving.end("SIGKILL");
      await Deno.stat(path);
      const args = ["serve", "--print-token", "--listen", `127.0.0.1:${serving.port}`];
      assertEquals((await queue.run(args)).code, 1);
      // The next one takes its place.
      const next = await queue.serve(["--read-only"]);
      const status = await get(`${next.origin}/api/status`, await tokenOf(queue, next));
      assertEquals((await status.json()).read_only, true);
      assertEquals((await next.end("SIGINT")).code, 0);
    }),
});

Deno.test({
  name: "serve says in a line or two why it can't",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const serving = await queue.serve();
      const why = async (env: Record<string, string>, ...args: string[]) => {
        const { code, stderr } = await queue.run(["serve", ...args], { env });
        assert(stderr.trimEnd().split("\n").length <= 2, stderr);
        return `${code} ${stderr}`;
      };
      const taken = await why({}, "--listen", `127.0.0.1:${serving.port}`);
      assertStringIncludes(taken, `1 queuectl: Cannot listen on 127.0.0.1:${serving.port}: `);
      assertStringIncludes(
        await why({}, "--listen", "0.0.0.0:0"),
        "2 queuectl: Others can reach 0.0.0.0:0: QUEUECTL_SERVE_TOKEN has to be set",
      );
      const all = { QUEUECTL_SERVE_TOKEN: "none" };
      assertStringIncludes(
        await why(all),
        "2 queuectl: QUEUECTL_SERVE_TOKEN=none needs --read-only",
      );
      assertStringIncludes(await why({}, "--listen", "192.0.2.1:1", "--read-only"), "2 queuectl: ");
      assertStringIncludes(await why({}, "--read-only", "--allow-enqueue"), "2 queuectl: ");
      await serving.end();
    }),
});

Deno.test({
  name: "the token of QUEUECTL_SERVE_TOKEN is written down nowhere",
  ignore: ignore || isOnServer,
  fn: () =>
    withQueue(async (queue) => {
      const token = "a-token-of-the-environment";
      const env = { QUEUECTL_SERVE_TOKEN: token };
      const serving = await queue.serve([], env);
      const status = await get(`${serving.origin}/api/status`, token);
      assertEquals((await status.json()).read_only, false);
      assertEquals(filesIn(queue.dir).filter((path) => path.endsWith(".token")), []);
      const printed = await queue.run(["serve", "--print-token"], { env });
      assertEquals(printed.stdout, `${token}\n`);
      const { stderr } = await serving.end();
      assert(!stderr.includes(token) && !serving.address.href.includes(token));
    }),
});

Deno.test({
  name: "everything that can be read is there, whatever the store",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const id = await queue.ok("enqueue", "echo hello");
      await queue.ok("start", "--drain");
      await queue.ok("schedule", "add", "nightly", "--cron", "30 2 * * *", "true");
      const serving = await queue.serve();
      const token = await tokenOf(queue, serving);
      const named = (path: string) =>
        path.replace("/api/jobs/{id}", `/api/jobs/${id}`)
          .replace("/api/schedules/{name}", "/api/schedules/nightly");
      for (const { method, path, answer: { type } } of ROUTES) {
        if (method !== "GET" || type === "text/event-stream" || named(path).includes("{")) continue;
        const answer = await get(`${serving.origin}${named(path)}`, token);
        assertEquals([path, answer.status, await answer.text().then((text) => text !== "")], [
          path,
          200,
          true,
        ]);
      }
      await serving.end();
    }),
});

Deno.test({
  name: "a foreign name is refused wherever a request carries it",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const serving = await queue.serve();
      const ask = (line: string, host?: string) =>
        firstLine(serving, `${line}\r\n${host === undefined ? "" : `Host: ${host}\r\n`}\r\n`);
      const here = `127.0.0.1:${serving.port}`;
      assertMatch(await ask("GET /healthz HTTP/1.1", here), / 200 /);
      assertMatch(await ask("GET /healthz HTTP/1.1", "evil.example"), / 421 /);
      assertMatch(await ask("GET http://evil.example/healthz HTTP/1.1", "evil.example"), / 421 /);
      // A whole URL in the first line, and our name in the header, or the other way round.
      for (const [url, host] of [["evil.example", here], [here, "evil.example"]]) {
        const line = await ask(`GET http://${url}/api/status HTTP/1.1`, host);
        assertMatch(line, / (?:400|401|421) /);
      }
      assertMatch(await ask("GET /healthz HTTP/1.0"), / (?:200|400|421) /);
      assertMatch(await ask("GET /api/status HTTP/1.0"), / (?:400|401|421) /);
      await serving.end();
    }),
});

Deno.test({
  name: "counters of attempts go on where they were, whoever serves and whatever is removed",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const counters = async () => {
        const serving = await queue.serve();
        const answer = await get(`${serving.origin}/metrics`, await tokenOf(queue, serving));
        const text = await answer.text();
        await serving.end();
        return Object.fromEntries(
          [...text.matchAll(/^queuectl_attempts_total\{queue="(.+?)",outcome="(.+?)"\} (\d+)$/gm)]
            .filter(([, , , count]) => count !== "0")
            .map(([, name, outcome, count]) => [`${name} ${outcome}`, Number(count)]),
        );
      };
      assertEquals(await counters(), {});
      await queue.ok("config", "--key", "backoff_base", "--value", "1");
      for (let i = 0; i < 3; i++) await queue.ok("enqueue", "--queue", "mail", "true");
      await queue.ok("enqueue", "--max-retries", "1", "exit 3");
      await queue.ok("start", "--drain", "--count", "2");
      const expected = { "mail succeeded": 3, "default failed": 2 };
      assertEquals(await counters(), expected);
      await queue.ok("storage", "cleanup", "--older-than", "0");
      await queue.ok("dlq", "clear", "--confirm");
      assertEquals(await counters(), expected);
      // A worker that is killed has handed over what it counted a moment before.
      const id = await queue.ok("enqueue", "true");
      const long = await queue.ok("enqueue", "sleep 60");
      await queue.start();
      await queue.waitForState(id, "completed");
      await queue.waitForState(long, "processing");
      await waitUntil(async () => (await counters())["default succeeded"] === 1);
      Deno.kill((await queue.workers())[0]!.pid, "SIGKILL");
      assertEquals((await counters())["default succeeded"], 1);
    }),
});

Deno.test({
  name: "the output of a job is followed while it runs: the stream tells, a range brings it",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const serving = await queue.serve(["--allow-enqueue"]);
      const token = await tokenOf(queue, serving);
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const body = JSON.stringify({
        command: "echo one; until [ -e go ]; do sleep 0.05; done; echo two",
      });
      const enqueued = await fetch(`${serving.origin}/api/jobs`, { method: "POST", headers, body });
      const { id } = await enqueued.json();
      await queue.start();
      const stream = await get(`${serving.origin}/api/events?ids=${id}&log=${id}`, token);
      const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
      let heard = "";
      const hear = async (what: RegExp) => {
        while (!what.test(heard)) heard += (await reader.read()).value ?? "";
      };
      const read = async (from: number) =>
        await (await fetch(`${serving.origin}/api/jobs/${id}/logs`, {
          headers: { ...headers, range: `bytes=${from}-` },
        })).text();
      await hear(/event: log\ndata: .*"size":4,"running":true/);
      assertEquals(await read(0), "one\n");
      await Deno.writeTextFile(`${queue.dir}/go`, "");
      await hear(/event: log\ndata: .*"size":8,"running":false/);
      assertEquals(await read(4), "two\n");
      await hear(/event: jobs\ndata: .*"state":"completed"/);
      await reader.cancel();
      await serving.end();
    }),
});
