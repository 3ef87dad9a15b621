// The dashboard as people use it: a real browser, `queuectl serve` and workers. One launch for all.
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  needingBrowser,
  type TestBrowser,
  type TestPage,
  withBrowser,
} from "../support/browser.ts";
import { type QueueProgram, type Serving, withQueue } from "../support/queue_program.ts";
import { waitUntil } from "../support/wait_until.ts";

const SCREENS = [
  "#/",
  "#/jobs?queue=held",
  "#/jobs/colours",
  "#/jobs/package",
  "#/queues",
  "#/schedules",
  "#/schedules/nightly",
  "#/dead",
  "#/settings",
  "#/enqueue",
];

/** What is there before anybody looks. */
const JOBS: readonly Record<string, unknown>[] = [
  ...Array.from(
    { length: 120 },
    (_, i) => ({ id: `old-${i}`, command: `true old ${i}`, group: "old" }),
  ),
  {
    id: "colours",
    command: "printf '\\033[1;31mred\\033[0m <b>plain</b>\\nsecond\\nthird: red, too\\n'",
  },
  { id: "long", command: "seq -f 'line %.0f of a long output' 1 15000" },
  { id: "waits", command: "echo begun; while ! [ -e go ]; do sleep 0.05; done; echo over" },
  { id: "bad-1", command: "exit 3", max_retries: 0 },
  { id: "bad-2", command: "exit 3", max_retries: 0 },
  { id: "dead-key", command: "exit 4", max_retries: 0, unique: "key" },
  ...["a", "b", "c"].map((name) => ({
    id: `held-${name}`,
    command: `true ${name}`,
    queue: "held",
  })),
  { id: "compile", command: "true compile", queue: "held" },
  { id: "check", command: "true check", queue: "held" },
  { id: "package", command: "true package", after: ["compile", "check"] },
  { id: "tell", command: "true tell", after_any: ["package"] },
];

interface Scene {
  readonly queue: QueueProgram;
  readonly serving: Serving;
  readonly browser: TestBrowser;
  readonly page: TestPage;
}

const STEPS: readonly (readonly [string, (scene: Scene) => Promise<void>])[] = [
  ["the overview shows counts, workers, failures, and leads to jobs", async ({ page }) => {
    await page.sees(/pending 5 .*blocked 2 .*processing 1 .*dead 3 /, ".counts");
    await page.sees(/busy .*waits/, ".workers");
    await page.sees("exit 4", ".jobs");
    await page.sees("completed", ".chart");
    await page.press("dead", ".counts");
    await page.sees("dead-key");
    assertEquals(await page.hash, "#/jobs?state=dead");
    assertEquals((await page.texts("tbody .state")).sort(), ["dead", "dead", "dead"]);
  }],
  ["the list has filters that the address keeps, and pages", async ({ page }) => {
    await page.go("#/jobs?group=old");
    await page.sees("Page 1");
    assertEquals((await page.texts("tbody tr")).length, 50);
    const first = (await page.ids())[0];
    await page.press("Older →");
    await page.sees("Page 2");
    await page.press("Older →");
    await page.sees("Page 3");
    await waitUntil(async () => (await page.texts("tbody tr")).length === 20, "20 jobs");
    await page.page.reload();
    await page.sees("Page 3");
    assertEquals((await page.texts("tbody tr")).length, 20);
    await page.page.goBack();
    await page.sees("Page 2");
    await page.page.keyboard.press("[");
    await page.sees("Page 1");
    await waitUntil(async () => (await page.ids())[0] === first, "the newest again");
    await page.page.type("#filter-command", "*old 11?");
    await waitUntil(async () => (await page.texts("tbody tr")).length === 10, "10 that fit");
    assertMatch(await page.hash, /group=old&command=\*old\+11%3F$/);
    await page.page.reload();
    await page.sees("true old 117");
    await page.press("Clear");
    await page.sees("tell");
    assertEquals(await page.hash, "#/jobs");
  }],
  [
    "a job's output keeps markup as text, has colours, numbers, search and a file",
    async ({ page }) => {
      await page.go("#/jobs/colours");
      await page.sees("red <b>plain</b>", ".lines");
      assertEquals(await page.texts(".line .fg-1.bold"), ["red"]);
      await page.sees("succeeded", ".attempts");
      const numbers = await page.page.$$eval(
        ".line",
        (lines) => lines.map((line) => line.getAttribute("data-n")),
      );
      assertEquals(numbers, ["1", "2", "3"]);
      await page.page.keyboard.press("/");
      await page.page.keyboard.type("RED");
      await page.sees("1 of 2 lines", ".found");
      await page.page.keyboard.press("Enter");
      await page.sees("2 of 2 lines", ".found");
      const href = await page.page.$eval("a[download]", (link) => link.getAttribute("href"));
      assertEquals(href, "api/jobs/colours/logs?attempt=1&download=true");
    },
  ],
  ["of a long output the end comes first, and more if it is wanted", async ({ page }) => {
    await page.go("#/jobs/long");
    await page.sees("line 15000 of a long output", ".lines");
    await page.sees("The last 262 kB of", ".earlier");
    assert(!(await page.text(".lines")).includes("line 1 of"));
    await page.press("Load all, with line numbers");
    await waitUntil(() => page.page.$(".lines.numbered"), "line numbers");
    // Most lines are not there until one looks at them.
    await page.page.type("#log-search", "line 7000 of");
    const line = (await page.page.waitForSelector('[data-n="7000"]'))!;
    await waitUntil(() => line.isIntersectingViewport(), "line 7000 shows");
    await page.page.$eval(".lines", (lines) => lines.scrollTo(0, 0));
    await page.sees("line 1 of a long output", ".lines");
    await page.page.keyboard.press("Escape");
    await page.page.keyboard.press("f");
    await page.sees("line 15000 of a long output", ".lines");
    const count = await page.page.$$eval(".line", (lines) => lines.length);
    assert(count < 3000, `${count} lines are there`);
    const last = ".block:last-child .line:last-child";
    assertEquals(await page.attributes(last, "data-n"), ["15000"]);
  }],
  ["output comes live, and so does the end of the job", async ({ page, queue }) => {
    await page.go("#/jobs/waits");
    await page.sees("begun", ".lines");
    await page.sees("processing", "h1");
    await Deno.writeTextFile(`${queue.dir}/go`, "");
    await page.sees("begun over", ".lines");
    await page.sees("completed", "h1");
    await page.sees("succeeded", ".attempts");
  }],
  [
    "one job is retried, cancelled, removed; a refusal is shown where it happened",
    async ({ page, queue }) => {
      await queue.ok(
        "enqueue",
        "--job-id",
        "live-key",
        "--unique",
        "key",
        "--queue",
        "held",
        "true",
      );
      await page.go("#/jobs?state=dead");
      await page.sees("dead-key");
      await page.press("Retry", "tr[data-id=dead-key]");
      await page.sees("live-key", "tr[data-id=dead-key] + tr.refused");
      await page.press("Close", "tr.refused");
      await page.press("Retry", "tr[data-id=bad-1]");
      await page.sees("Put back: bad-1");
      await waitUntil(
        async () => (await queue.json("job", "show", "bad-1")).attempts === 2,
        "2 tries",
      );
      await page.go("#/jobs/held-c");
      await page.press("Cancel", "article");
      await page.sees("cancelled", "h1");
      await page.press("Remove", "article");
      await page.sees("Remove this job?", "dialog");
      await page.press("Back", "dialog");
      assertEquals(await queue.state("held-c"), "cancelled");
      await page.press("Remove", "article");
      await page.press("Remove", "dialog");
      await page.sees("The job held-c is gone");
    },
  ],
  [
    "all that fit, or those that were picked by keys, are changed after a count",
    async ({ page, queue }) => {
      await page.go("#/jobs?group=old&command=*old+11%3F");
      await page.sees("true old 117");
      await page.press("Remove…", ".bulk");
      await page.sees("Remove 10 jobs?", "dialog");
      await page.sees("group old, command like *old 11?", "dialog");
      await page.press("Remove 10 jobs", "dialog");
      await page.sees("Removed: 10 jobs");
      await page.sees("No job fits");
      assertEquals(await page.hash, "#/jobs?group=old&command=*old+11%3F");
      assertEquals((await queue.json("list", "--group", "old")).length, 110);
      await page.go("#/jobs?queue=held");
      await page.sees("held-a");
      for (const key of ["j", "x", "j", "x"] as const) await page.page.keyboard.press(key);
      await page.sees("2 picked:", ".bulk");
      await page.page.keyboard.press("c");
      await page.sees("Cancel 2 jobs?", "dialog");
      await page.press("Back", "dialog");
      await page.page.keyboard.press("Escape");
      await page.sees("All that fit:", ".bulk");
    },
  ],
  ["what a job waits for and what waits for it is drawn", async ({ page }) => {
    await page.go("#/jobs/package");
    await page.sees("for 2, 1 waits for it", ".graph");
    const ids = await page.texts(".graph text.small");
    assertEquals(ids.map((text) => text.split(" ")[0]).sort(), [
      "check",
      "compile",
      "package",
      "tell",
    ]);
    assertEquals(await page.page.$$eval(".graph .edge", (edges) => edges.length), 3);
    await page.page.click('.graph a[href="#/jobs/compile"]');
    await page.sees("compile", "h1");
  }],
  ["queues are paused and resumed", async ({ page, queue }) => {
    await page.go("#/queues");
    await page.sees("paused: no job begins", "tr.paused");
    await page.press("Pause", ".queues tbody tr:first-child");
    await page.sees("Paused: default");
    const paused = async () =>
      (await queue.json("queue", "list")).map((one: { paused: boolean }) => one.paused);
    assertEquals(await paused(), [true, true]);
    await page.press("Resume", ".queues tbody tr:first-child");
    await page.sees("Resumed: default");
    assertEquals(await paused(), [false, true]);
  }],
  ["schedules tell their times in both zones, run now, and pause", async ({ page }) => {
    await page.go("#/schedules");
    await page.sees("30 2 * * * Asia/Kathmandu", ".schedules");
    await page.press("nightly");
    await page.sees(/Asia\/Kathmandu .*02:30:00/, ".times");
    await page.press("Run now");
    await page.sees("Enqueued: ", ".notes");
    await page.press("Pause");
    await page.sees("paused", "h1");
    await page.press("Resume");
    await page.sees("active", "h1");
  }],
  ["dead letters are grouped, and retried by the group", async ({ page }) => {
    await page.go("#/dead");
    await page.sees(/2 exit 3 exit 3/, ".dead-letters");
    await page.press("Retry…", ".dead-letters tbody tr");
    await page.sees("Retry 2 jobs?", "dialog");
    await page.press("Back", "dialog");
    await page.press("exit 3", ".dead-letters");
    await page.sees("bad-2");
    assertEquals(await page.hash, "#/jobs?state=dead&command=exit+3");
  }],
  ["settings are shown, and can't be changed", async ({ page }) => {
    await page.go("#/settings");
    await page.sees("max_retries 3", ".settings");
    assertEquals(await page.page.$$eval("main input, main button", (all) => all.length), 0);
  }],
  ["a job is enqueued, and another one again with changes", async ({ page, queue }) => {
    await page.go("#/enqueue?from=held-a");
    await page.page.waitForSelector("textarea");
    const command = await page.page.$eval("textarea", (field) => field.value);
    assertEquals(command, "true a");
    await page.fill("textarea", "echo 'again'");
    await page.page.type("[name=id]", "again");
    await page.page.type("[name=delay]", "soon");
    await page.press("Enqueue", "form");
    await page.sees("delay", ".trouble");
    await page.fill("[name=delay]", "");
    await page.press("Enqueue", "form");
    await page.sees("again", "h1");
    const again = await queue.json("job", "show", "again");
    assertEquals([again.command, again.queue, again.cwd], ["echo 'again'", "held", queue.dir]);
  }],
  ["a list under the hand stays as it is while thousands of jobs come", async ({ page, queue }) => {
    await page.go("#/jobs?command=true");
    await page.sees("tell");
    const box = await (await page.page.$("tbody"))!.boundingBox();
    const before = await page.ids();
    const keep = setInterval(
      () => void page.page.mouse.move(300, box!.y + 20 + Math.random() * 40),
      200,
    );
    try {
      const many = "true more\n".repeat(3000);
      assertEquals((await queue.run(["enqueue", "--file", "-"], { input: many })).code, 0);
      await page.sees("50 and more new jobs: show");
      assertEquals(await page.ids(), before);
    } finally {
      clearInterval(keep);
    }
    await page.press("50 and more new jobs: show");
    await page.sees("true more", "tbody");
    await page.page.mouse.move(0, 0);
  }],
  [
    "many tabs share one stream, and another one takes it over",
    async ({ browser, serving, page }) => {
      const tabs: TestPage[] = [];
      for (let i = 0; i < 8; i++) tabs.push(await browser.open(`${serving.origin}/#/queues`));
      for (const tab of tabs) await tab.sees("held", ".queues");
      const streams = (all: readonly TestPage[]) =>
        all.filter(({ requests }) => requests.some((url) => url.includes("/api/events"))).length;
      assertEquals([streams([page]), streams(tabs)], [1, 0]);
      await page.page.close();
      await waitUntil(() => streams(tabs) === 1, "another tab has the stream");
      await tabs[0]!.page.bringToFront();
      await tabs[0]!.sees("live", ".connection");
      for (const tab of tabs) await tab.page.close();
    },
  ],
  [
    "each screen can be used by all, in the light and in the dark, wide and narrow",
    async ({ browser, serving }) => {
      const axe = (await import("axe-core")).default;
      const { page } = await browser.open(`${serving.origin}/`);
      const found: string[] = [];
      for (const [theme, width] of [["light", 1280], ["dark", 390]] as const) {
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
        await page.setViewport({ width, height: 800 });
        for (const screen of SCREENS) {
          await page.evaluate((to) => {
            location.hash = to;
          }, screen);
          await page.waitForNetworkIdle({ idleTime: 100, concurrency: 1 });
          await page.evaluate(axe.source);
          const here = await page.evaluate(async () => {
            // deno-lint-ignore no-explicit-any -- put there by the line before
            const { violations } = await (globalThis as any).axe.run({
              resultTypes: ["violations"],
            });
            // deno-lint-ignore no-explicit-any
            return violations.flatMap(({ id, nodes }: any) =>
              // deno-lint-ignore no-explicit-any
              nodes.map(({ html }: any) => `${id}: ${html.slice(0, 160)}`)
            );
          });
          found.push(...here.map((text: string) => `${screen}, ${theme}: ${text}`));
          const wide = await page.$eval("html", (html) => html.scrollWidth);
          if (wide > width) found.push(`${screen} is ${wide} wide`);
        }
      }
      assertEquals(found, []);
      await page.close();
    },
  ],
  [
    "nothing failed, was forbidden by the policy, or was asked for elsewhere",
    ({ browser, serving }) => {
      const complaints = browser.complaints.filter((text) =>
        // The answers that were to be bad: a refusal, a job that is gone, bad input.
        !/status of (?:400|404|409)/.test(text)
      );
      assertEquals(complaints, []);
      assertEquals([...browser.origins], [serving.origin]);
      return Promise.resolve();
    },
  ],
  [
    "who may only look has nothing to press; who has no token is asked for it",
    async ({ browser, queue, serving }) => {
      const token = "a-token-for-this-test-alone";
      const other = await queue.serve(["--read-only"], { QUEUECTL_SERVE_TOKEN: token });
      const page = await browser.open(`${other.origin}/?code=spent`);
      await page.sees("Token");
      await page.page.type("input", "wrong");
      await page.press("Sign in");
      await page.sees(/token/i, ".trouble");
      await page.fill("input", token);
      await page.press("Sign in");
      await page.sees("read-only", ".top");
      for (
        const screen of ["#/jobs/bad-2", "#/queues", "#/schedules/nightly", "#/dead", "#/jobs"]
      ) {
        await page.go(screen);
        await waitUntil(() => page.page.$("table"), screen);
        const buttons = await page.texts("main button");
        const harmless = ["Copy id", "Copy", "Follow", "Wrap", "Close"];
        assertEquals(buttons.filter((name) => !harmless.includes(name)), [], screen);
      }
      await page.page.close();
      await other.end();
      assert(serving.origin !== other.origin);
    },
  ],
];

Deno.test({
  ...needingBrowser("the dashboard, in a real browser"),
  // Those are the browser's and its driver's.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: (t) =>
    withQueue((queue) =>
      withBrowser(async (browser) => {
        await queue.ok("config", "--key", "log_level", "--value", "ERROR");
        const file = JOBS.map((job) => JSON.stringify(job)).join("\n");
        assertEquals((await queue.run(["enqueue", "--file", "-"], { input: file })).code, 0);
        await queue.ok("queue", "pause", "held");
        const when = ["--cron", "30 2 * * *", "--tz", "Asia/Kathmandu"];
        await queue.ok("schedule", "add", "nightly", ...when, "true nightly");
        await queue.start("--count", "2");
        await queue.waitForState("long", "completed");
        await queue.waitForState("dead-key", "dead");
        const serving = await queue.serve(["--allow-enqueue"]);
        const page = await browser.open(serving.address.href);
        const scene = { queue, serving, browser, page };
        // One step builds on another: what comes after a failure would only blur it.
        let isFine = true;
        for (const [name, fn] of STEPS) {
          isFine = await t.step({ name, fn: () => fn(scene), ignore: !isFine }) && isFine;
        }
        await serving.end();
      })
    ),
});
