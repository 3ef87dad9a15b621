// Schedules with the real program: several starts at once, one that is killed, and --drain.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type QueueProgram, withQueue } from "../support/queue_program.ts";
import { waitUntil } from "../support/wait_until.ts";
import { testOfFolder } from "../support/test_store.ts";

const ignore = Deno.build.os === "windows";

interface Listed {
  readonly id: string;
  readonly state: string;
}

async function jobs(queue: QueueProgram): Promise<Listed[]> {
  return await queue.json("list");
}

/** Waits until so many times of a schedule are past. */
async function untilPast(queue: QueueProgram, name: string, count: number): Promise<void> {
  const { created_at, every } = await queue.json("schedule", "show", name);
  const last = Date.parse(created_at) + count * every * 1000;
  await waitUntil(() => Date.now() > last, `${count} times of ${name}`);
}

Deno.test({
  name: "schedules fire once for each time, however many starts there are, also when one is killed",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      await queue.ok("schedule", "add", "tick", "--every", "1s", "--overlap", "allow", "true");
      await queue.ok("schedule", "add", "tock", "--every", "1s", "--overlap", "allow", "true");
      const first = await queue.start("--count", "1");
      await queue.start("--count", "1");
      const completed = async (least: number) =>
        (await jobs(queue)).filter(({ state }) => state === "completed").length >= least;
      await waitUntil(() => completed(6), "six jobs", 60_000);
      first.kill("SIGKILL");
      const before = (await jobs(queue)).length;
      await waitUntil(() => completed(before + 6), "six more", 60_000);
      await queue.ok("stop");

      const ids = (await jobs(queue)).map(({ id }) => id).sort();
      assertEquals(ids, [...new Set(ids)]);
      for (const name of ["tick", "tock"]) {
        const times = ids.filter((id) => id.startsWith(name)).map(timeIn);
        const late = times.slice(1).map((time, i) => time - times[i]!);
        // The first may be the last of those that were missed; from then on none is left out.
        assertEquals(late.slice(1).filter((gap) => gap !== 1000), [], String(late));
      }
      assertEquals(await queue.ok("storage", "check"), "");
    }),
});

function timeIn(id: string): number {
  const [, y, mo, d, h, mi, s] = /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(id)!.map(Number);
  return Date.UTC(y!, mo! - 1, d!, h!, mi!, s!);
}

Deno.test({
  name: "start --drain fires what is due, by the rule for missed times, and ends",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      const one = (id: string) => `echo begin ${id} >>log; sleep 0.1; echo end ${id} >>log`;
      const every = ["--every", "2s"];
      for (const missed of ["last", "skip", "all"]) {
        await queue.ok("schedule", "add", missed, ...every, "--missed", missed, one(missed));
      }
      await queue.ok("schedule", "add", "later", "--every", "1d", one("later"));
      await untilPast(queue, "all", 4);
      const begun = Date.now();
      await queue.ok("start", "--drain");
      // Those of times that came while it drained may be left.
      const made = (await jobs(queue)).filter(({ id }) => timeIn(id) < begun - 1000);
      assertEquals(made.filter(({ state }) => state !== "completed"), []);
      const of = (name: string) => made.filter(({ id }) => id.startsWith(`${name}-`)).length;
      assert(of("all") >= 3, String(of("all")));
      assertEquals([of("last") <= 1, of("skip"), of("later")], [true, 0, 0]);
      // One after the other.
      const log = (await Deno.readTextFile(`${queue.dir}/log`)).split("\n");
      const all = log.filter((line) => line.endsWith("all"));
      assertEquals(all.filter((line, i) => !line.startsWith(i % 2 === 0 ? "begin" : "end")), []);
      assertEquals((await queue.json("schedule", "show", "all")).owed, []);
    }),
});

testOfFolder(
  "start tells of a damaged schedule, leaves it, and fires the others",
  () =>
    withQueue(async (queue) => {
      await queue.ok("schedule", "add", "good", "--every", "1s", "true");
      const path = `${queue.data}/schedules/bad.json`;
      await Deno.writeTextFile(path, "{", { mode: 0o600 });
      await untilPast(queue, "good", 1);
      const { code, stderr } = await queue.run(["start", "--drain"]);
      assertEquals(code, 0, stderr);
      assertEquals(stderr.split("bad.json").length, 2, `told once: ${stderr}`);
      assertStringIncludes(stderr, "schedule good: enqueued good-");
      assertEquals(await Deno.readTextFile(path), "{");
      const check = await queue.run(["storage", "check"]);
      assertEquals(check.code, 1);
      assertStringIncludes(check.stdout, "bad.json");
    }),
  ignore,
);

Deno.test({
  name: "a start without schedules fires one that is added while it runs, soon",
  ignore,
  fn: () =>
    withQueue(async (queue) => {
      await queue.start("--count", "1");
      await queue.ok("schedule", "add", "s", "--every", "1s", "true");
      await waitUntil(async () => (await jobs(queue)).length > 0, "it has fired");
      await queue.ok("schedule", "remove", "s");
    }),
});
