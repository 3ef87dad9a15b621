// What users type and what comes back, by the real program in real processes.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ignoredSignals } from "../../src/system/signals.ts";
import { withQueue } from "../support/queue_program.ts";
import { waitUntil } from "../support/wait_until.ts";
import { testOfFolder } from "../support/test_store.ts";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

Deno.test("enqueue prints the id, and only that, in all its forms", () =>
  withQueue(async (queue) => {
    assertMatch(await queue.ok("enqueue", "true"), UUID);
    assertEquals(await queue.ok("enqueue", "--job-id", "mine", "true"), "mine");
    const list = await queue.ok("enqueue", "--", "printf", "%s|", "a b", "it's", "$HOME", "*");
    const lines =
      '# a comment\n\necho one\n{"command":"echo two","priority":5,"id":"two","env":{"A":"1"}}\n';
    const { code, stdout } = await queue.run(["enqueue", "--file", "-"], { input: lines });
    assertEquals([code, stdout.trimEnd().split("\n").length], [0, 2]);
    await queue.ok("start", "--drain", "--count", "2");
    assertEquals(await queue.ok("job", "logs", list), "a b|it's|$HOME|*|");
    assertEquals(await queue.state("two"), "completed");
  }));

Deno.test("enqueue --file enqueues nothing if any line is wrong, and names each", () =>
  withQueue(async (queue) => {
    const { code, stdout, stderr } = await queue.run(["enqueue", "--file", "-"], {
      input: 'true\n{"command":5}\n{"nope":1}\ntrue\n',
    });
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(stderr, "2");
    assertStringIncludes(stderr, "3");
    assertEquals(await queue.json("list"), []);
  }));

testOfFolder(
  "links to folders are followed: ./queuectl_data, --data-dir, --cwd, one above",
  () =>
    withQueue(async (queue) => {
      const { dir } = queue;
      for (const name of ["data", "work", "above"]) {
        await Deno.mkdir(`${dir}/real/${name}`, { recursive: true });
        await Deno.symlink(
          `${dir}/real/${name}`,
          `${dir}/${name === "data" ? "queuectl_data" : name}`,
        );
      }
      const env = {
        HOME: `${dir}/home`,
        XDG_DATA_HOME: "",
        QUEUECTL_STORE: "",
        QUEUECTL_DATA_DIR: "",
      };
      const run = async (...words: string[]) => {
        const { code, stdout, stderr } = await queue.run(words, { cwd: dir, env });
        assertEquals(code, 0, stderr);
        return stdout;
      };
      await run("enqueue", "--cwd", "work", "--job-id", "there", "true");
      const shown = await run("job", "show", "there", "--json", "--data-dir", "real/data");
      assertEquals(JSON.parse(shown).cwd, `${dir}/work`);
      assertStringIncludes(await run("list", "--data-dir", "queuectl_data"), "there");
      await run("enqueue", "--data-dir", "above/new", "--job-id", "other", "true");
      assertStringIncludes(await run("list", "--data-dir", "real/above/new"), "other");
      const target = await queue.run(["config", "--export", "work"], { cwd: dir, env });
      assertStringIncludes(target.stderr, "it is a folder");
      const jobs = await queue.run(["enqueue", "--file", "work"], { cwd: dir, env });
      assertStringIncludes(jobs.stderr, "Cannot read work: it is a folder");
      await Deno.symlink(`${dir}/settings.json`, `${dir}/settings`);
      await Deno.writeTextFile(`${dir}/settings.json`, "{}");
      await run("config", "--export", "settings");
      assert((await Deno.lstat(`${dir}/settings`)).isSymlink);
      assertStringIncludes(await Deno.readTextFile(`${dir}/settings.json`), "max_retries");
      const backup = await queue.run(["storage", "backup", "work"], { cwd: dir, env });
      assertStringIncludes(backup.stderr, "it is a link; name the folder itself");
    }),
);

testOfFolder(
  "a data folder that is a file, or below one, is refused, and left as it is",
  () =>
    withQueue(async (queue) => {
      const file = `${queue.dir}/file`;
      await Deno.writeTextFile(file, "mine\n");
      await Deno.chmod(file, 0o644);
      for (const dataDir of [file, `${file}/below`, `${file}/far/below`]) {
        for (const words of [["list"], ["enqueue", "true"]]) {
          const { code, stdout, stderr } = await queue.run([...words, "--data-dir", dataDir]);
          assertEquals([code, stdout], [1, ""]);
          assertEquals(
            stderr,
            `queuectl: Cannot use ${file}: it is not a folder\n` +
              "Name another folder with --data-dir or QUEUECTL_DATA_DIR\n",
          );
        }
      }
      assertEquals(await Deno.readTextFile(file), "mine\n");
    }),
);

Deno.test("an id is taken once only, also by two processes at the same moment", () =>
  withQueue(async (queue) => {
    for (let i = 0; i < 4; i++) {
      const results = await Promise.all(
        [1, 2, 3].map(() => queue.run(["enqueue", "--job-id", `same${i}`, "true"])),
      );
      assertEquals(results.map(({ code }) => code).sort(), [0, 1, 1]);
    }
    assertEquals((await queue.json("list")).length, 4);
  }));

Deno.test("a job gets its folder, its variables, an empty standard input, and one log in order", () =>
  withQueue(async (queue) => {
    Deno.mkdirSync(`${queue.dir}/a folder`);
    const id = await queue.ok(
      "enqueue",
      "--cwd",
      "a folder",
      "--env",
      "X=a=b c",
      'pwd; echo "$X $QUEUECTL_ATTEMPT $QUEUECTL_JOB_ID"; echo err >&2; cat; echo "$QUEUECTL_WORKER"',
    );
    await queue.ok("start", "--drain", "--worker-name", "bee");
    assertEquals((await queue.ok("job", "logs", id)).split("\n"), [
      `${queue.dir}/a folder`,
      `a=b c 1 ${id}`,
      "err",
      "bee",
    ]);
    const shown = await queue.json("job", "show", id);
    assertEquals([shown.env.X, shown.state, shown.history.length], ["***", "completed", 1]);
    assertEquals((await queue.json("job", "show", id, "--verbose")).env.X, "a=b c");
  }));

Deno.test("what fails is retried with backoff until it is dead, and can be retried from there", () =>
  withQueue(async (queue) => {
    await queue.ok("config", "--key", "backoff_base", "--value", "1");
    const flaky = await queue.ok("enqueue", 'test "$QUEUECTL_ATTEMPT" -ge 3');
    const hopeless = await queue.ok("enqueue", "--max-retries", "1", "exit 7");
    await queue.ok("start", "--drain", "--count", "2");
    const one = await queue.json("job", "show", flaky);
    assertEquals([one.state, one.attempts], ["completed", 3]);
    const other = await queue.json("job", "history", hopeless);
    assertEquals(other.map((attempt: { exit_code: number }) => attempt.exit_code), [7, 7]);
    assertEquals((await queue.json("dlq", "list")).map((job: { id: string }) => job.id), [
      hopeless,
    ]);
    const stats = await queue.json("dlq", "stats");
    assertEquals([stats.total, stats.by_exit_code["7"]], [1, 1]);
    await queue.ok("dlq", "retry", hopeless.slice(0, 8));
    assertEquals(await queue.state(hopeless), "pending");
    await queue.ok("start", "--drain");
    assertEquals((await queue.json("job", "show", hopeless)).attempts, 4);
    assertEquals((await queue.run(["dlq", "clear"])).code === 0, false);
    await queue.ok("dlq", "clear", "--confirm");
    assertEquals(await queue.json("dlq", "list"), []);
  }));

Deno.test("a timeout ends a job with SIGTERM, and with SIGKILL if it does not listen", () =>
  withQueue(async (queue) => {
    await queue.ok("config", "--key", "kill_grace", "--value", "0.3");
    const polite = await queue.ok("enqueue", "--timeout", "0.3", "--max-retries", "0", "sleep 60");
    const deaf = await queue.ok(
      "enqueue",
      "--timeout",
      "0.3",
      "--max-retries",
      "0",
      "trap '' TERM; while :; do sleep 1; done",
    );
    await queue.ok("start", "--drain", "--count", "2");
    for (const id of [polite, deaf]) {
      const { state, history } = await queue.json("job", "show", id);
      assertEquals([state, history[0].outcome], ["dead", "timed_out"]);
    }
  }));

Deno.test("priority goes first, then the order of arrival", () =>
  withQueue(async (queue) => {
    for (const [priority, name] of [["0", "a"], ["0", "b"], ["9", "c"], ["-3", "d"]]) {
      await queue.ok("enqueue", `--priority=${priority}`, `echo ${name} >>${queue.dir}/order`);
    }
    await queue.ok("start", "--drain");
    assertEquals(Deno.readTextFileSync(`${queue.dir}/order`), "c\na\nb\nd\n");
  }));

Deno.test("--delay holds a job back, and does not hold up --drain", () =>
  withQueue(async (queue) => {
    const later = await queue.ok("enqueue", "--delay", "1h", "true");
    const soon = await queue.ok("enqueue", "--delay", "200ms", "true");
    await queue.ok("start", "--drain");
    assertEquals(await queue.state(later), "pending");
    await queue.start();
    await queue.waitForState(soon, "completed");
    assertEquals(await queue.state(later), "pending");
  }));

Deno.test("job cancel reaches jobs that wait and jobs that run", () =>
  withQueue(async (queue) => {
    const running = await queue.ok("enqueue", "sleep 60");
    const waiting = await queue.ok("enqueue", "--delay", "1h", "true");
    await queue.start();
    await queue.waitForState(running, "processing");
    await queue.ok("job", "cancel", running, waiting);
    assertEquals([await queue.state(running), await queue.state(waiting)], [
      "cancelled",
      "cancelled",
    ]);
    assertEquals((await queue.json("job", "show", running)).history[0].outcome, "cancelled");
    assertEquals((await queue.run(["job", "cancel", running])).code, 1);
  }));

Deno.test("job wait tells how it went by its exit code", () =>
  withQueue(async (queue) => {
    const good = await queue.ok("enqueue", "true");
    const bad = await queue.ok("enqueue", "--max-retries", "0", "false");
    const never = await queue.ok("enqueue", "--delay", "1h", "true");
    await queue.start();
    assertEquals((await queue.run(["job", "wait", good])).code, 0);
    assertEquals((await queue.run(["job", "wait", good, bad])).code, 1);
    assertEquals((await queue.run(["job", "wait", "--timeout", "0.2", never])).code, 1);
  }));

Deno.test("job logs --follow prints as it comes, and ends with the job", () =>
  withQueue(async (queue) => {
    const id = await queue.ok(
      "enqueue",
      `echo first; until test -e ${queue.dir}/go; do sleep 0.05; done; echo last`,
    );
    await queue.start();
    await queue.waitForState(id, "processing");
    const following = queue.run(["job", "logs", id, "--follow"]);
    Deno.writeTextFileSync(`${queue.dir}/go`, "");
    assertEquals((await following).stdout, "first\nlast\n");
  }));

Deno.test("start --detach runs on in the background, and stop ends it when its jobs have ended", () =>
  withQueue(async (queue) => {
    const pid = Number(await queue.ok("start", "--detach", "--count", "2"));
    assert(pid > 1);
    const id = await queue.ok("enqueue", `until test -e ${queue.dir}/go; do sleep 0.05; done`);
    await queue.waitForState(id, "processing");
    const stop = queue.ok("stop");
    Deno.writeTextFileSync(`${queue.dir}/go`, "");
    await stop;
    assertEquals(await queue.state(id), "completed");
    assertEquals(await queue.workers(), []);
  }));

Deno.test("stop --force hands running jobs back", () =>
  withQueue(async (queue) => {
    const id = await queue.ok("enqueue", "sleep 60");
    await queue.start();
    await queue.waitForState(id, "processing");
    await queue.ok("stop", "--force");
    const { state, history } = await queue.json("job", "show", id);
    assertEquals([state, history[0].outcome], ["pending", "released"]);
  }));

Deno.test("start ends at the first SIGINT when its jobs have ended, and at the second at once", () =>
  withQueue(async (queue) => {
    const id = await queue.ok("enqueue", "sleep 60");
    const started = await queue.start();
    await queue.waitForState(id, "processing");
    // In the background of a script SIGINT is ignored, and so it would be there.
    const signal = (await ignoredSignals(["INT"])).has("INT") ? "SIGTERM" : "SIGINT";
    started.kill(signal);
    await queue.waitForState(id, "processing");
    started.kill(signal);
    assertEquals((await started.status).code, 0);
    assertEquals(await queue.state(id), "pending");
  }));

Deno.test("start --timeout ends by itself", () =>
  withQueue(async (queue) => {
    assertEquals((await queue.run(["start", "--timeout", "0.3"])).code, 0);
  }));

Deno.test("several starts work on one data folder", () =>
  withQueue(async (queue) => {
    const lines = Array.from({ length: 60 }, (_, i) => `echo ${i} >>${queue.dir}/ran`).join("\n");
    await queue.run(["enqueue", "--file", "-"], { input: lines });
    await Promise.all([
      queue.ok("start", "--drain", "--count", "2"),
      queue.ok("start", "--drain"),
      queue.ok("start", "--drain"),
    ]);
    const ran = Deno.readTextFileSync(`${queue.dir}/ran`).trim().split("\n").map(Number).sort((
      a,
      b,
    ) => a - b);
    assertEquals(ran, Array.from({ length: 60 }, (_, i) => i));
  }));

Deno.test("list filters by state, command and number, newest first", () =>
  withQueue(async (queue) => {
    for (const command of ["echo a", "sleep 0", "echo b"]) await queue.ok("enqueue", command);
    const commands = async (...args: string[]) =>
      (await queue.json("list", ...args)).map((job: { command: string }) => job.command);
    assertEquals(await commands(), ["echo b", "sleep 0", "echo a"]);
    assertEquals(await commands("--command", "echo *"), ["echo b", "echo a"]);
    assertEquals(await commands("--limit", "1"), ["echo b"]);
    assertEquals(await commands("--state", "dead,failed"), []);
    assertEquals((await commands("--since", "1h")).length, 3);
  }));

Deno.test("a backup of a queue in use can be restored", () =>
  withQueue(async (queue) => {
    await queue.run(["enqueue", "--file", "-"], { input: "true\n".repeat(200) });
    await queue.start("--count", "2");
    await queue.ok("storage", "backup", `${queue.dir}/copy`);
    await waitUntil(
      async () => (await queue.json("status")).jobs.completed === 200,
      "all have run",
    );
    await queue.ok("stop");
    assertEquals((await queue.run(["storage", "restore", `${queue.dir}/copy`])).code, 1);
    await queue.ok("storage", "restore", `${queue.dir}/copy`, "--confirm");
    const ids = (await queue.json("list")).map((job: { id: string }) => job.id);
    assertEquals([ids.length, new Set(ids).size], [200, 200]);
    await queue.ok("storage", "check");
    await queue.ok("start", "--drain", "--count", "2");
    await queue.ok("storage", "cleanup", "--older-than", "0");
    assertEquals(await queue.json("list"), []);
  }));

Deno.test("a wrong command line gets one or two lines, exit code 2, and no stack trace", () =>
  withQueue(async (queue) => {
    for (
      const args of [
        ["enqeue", "true"],
        ["enqueue"],
        ["enqueue", "--nope", "true"],
        ["enqueue", "--priority", "high", "true"],
        ["enqueue", "--timeout", "-1", "true"],
        ["enqueue", "--job-id", "../x", "true"],
        ["enqueue", "--env", "1X=a", "true"],
        ["list", "--state", "done"],
        ["config", "--key", "max_retrys"],
        ["start", "--count", "0"],
        ["storage", "cleanup", "--older-than", "soon"],
      ]
    ) {
      const { code, stdout, stderr } = await queue.run(args);
      assertEquals([code, stdout], [2, ""], `${args.join(" ")}: ${stderr}`);
      const lines = stderr.trimEnd().split("\n");
      assert(lines.length <= 2 && !stderr.includes("    at "), stderr);
    }
    assertStringIncludes((await queue.run(["enqeue", "true"])).stderr, "enqueue");
    assertEquals((await queue.run(["job", "show", "nobody"])).code, 1);
  }));

testOfFolder(
  "the data folder of another user is refused",
  () =>
    withQueue(async (queue) => {
      await queue.ok("enqueue", "true");
      Deno.chownSync(queue.data, 1, 1);
      const { code, stderr } = await queue.run(["list"]);
      Deno.chownSync(queue.data, 0, 0);
      assertEquals(code, 1);
      assertStringIncludes(stderr, "another user");
    }),
  Deno.uid() !== 0,
);
