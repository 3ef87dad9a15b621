// What people do with jobs on the dashboard.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { waitUntil } from "../support/wait_until.ts";
import type { Step } from "./scene.ts";

export const JOB_STEPS: readonly Step[] = [
  ["the overview shows counts, workers, failures, and leads to jobs", async ({ page }) => {
    await page.sees(/pending 5 .*blocked 2 .*processing 1 .*dead 4 /, ".counts");
    await page.sees(/busy .*waits/, ".workers");
    await page.sees("exit 4", ".jobs");
    await page.sees("completed", ".chart");
    await page.press("dead", ".counts");
    await page.sees("dead-key");
    assertEquals(await page.hash, "#/jobs?state=dead");
    assertEquals((await page.texts("tbody .state")).sort(), ["dead", "dead", "dead", "dead"]);
  }],
  ["the list has filters that the address keeps, and pages", async ({ page }) => {
    await page.go("#/jobs?group=old");
    await page.sees("Page 1");
    assertEquals((await page.texts("tbody tr")).length, 50);
    const first = (await page.ids())[0];
    await page.press("Older →");
    await page.sees("Page 2");
    await waitUntil(async () => (await page.ids()).length === 20, "20 jobs");
    await page.page.reload();
    await page.sees("Page 2");
    assertEquals((await page.ids()).length, 20);
    await page.page.goBack();
    await page.sees("Page 1");
    await page.page.keyboard.press("]");
    await page.sees("Page 2");
    await page.page.keyboard.press("[");
    await page.sees("Page 1");
    await waitUntil(async () => (await page.ids())[0] === first, "the newest again");
    await page.page.type("#filter-command", "*old 6?");
    await waitUntil(async () => (await page.texts("tbody tr")).length === 10, "10 that fit");
    assertMatch(await page.hash, /group=old&command=\*old\+6%3F$/);
    await page.page.reload();
    await page.sees("true old 67");
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
  ["of very many lines no more are kept than a browser can lay out", async ({ page, queue }) => {
    // 2,200,000 lines are beyond what Chromium can lay out.
    await queue.ok("enqueue", "--job-id", "short-lines", "yes | head -n 2200000; echo the end");
    await queue.waitForState("short-lines", "completed");
    await page.go("#/jobs/short-lines");
    await page.sees("the end", ".lines");
    await page.press("Load all, with line numbers");
    await page.sees("The last 600 kB of 4.4 MB. The download has everything.", ".earlier");
    await page.sees("the end", ".lines");
    const count = await page.page.$$eval(".line", (lines) => lines.length);
    assert(count < 3000, `${count} lines are there`);
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
      await page.sees("Retried: bad-1");
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
      await page.sees("There is no job held-c");
    },
  ],
  [
    "all that match, or those that were selected by keys, are changed after a count",
    async ({ page, queue }) => {
      await page.go("#/jobs?group=old&command=*old+6%3F");
      await page.sees("true old 67");
      await page.press("Remove…", ".bulk");
      await page.sees("Remove 10 jobs?", "dialog");
      await page.sees("group old, command like *old 6?", "dialog");
      await page.press("Remove 10 jobs", "dialog");
      await page.sees("Removed: 10 jobs");
      await page.sees("No matching jobs");
      assertEquals(await page.hash, "#/jobs?group=old&command=*old+6%3F");
      assertEquals((await queue.json("list", "--group", "old")).length, 60);
      await page.go("#/jobs?queue=held");
      await page.sees("held-a");
      for (const key of ["j", "x", "j", "x"] as const) await page.page.keyboard.press(key);
      await page.sees("2 selected:", ".bulk");
      await page.page.keyboard.press("c");
      await page.sees("Cancel 2 jobs?", "dialog");
      await page.press("Back", "dialog");
      await page.page.keyboard.press("Escape");
      await page.sees("All matching:", ".bulk");
    },
  ],
  [
    "a change of many jobs that takes long shows how far it has come, and can be left",
    async ({ page, queue }) => {
      await queue.ok("config", "--key", "kill_grace", "--value", "600");
      const stubborn = "trap '' TERM; while ! [ -e over ]; do sleep 0.05; done";
      await queue.ok("enqueue", "--job-id", "stubborn", "--group", "slow", stubborn);
      await queue.waitForState("stubborn", "processing");
      await page.go("#/jobs?group=slow");
      await page.sees("stubborn");
      await page.press("Cancel…", ".bulk");
      await page.press("Cancel 1 job", "dialog");
      await page.sees("Cancelling 1 job", "dialog");
      await page.sees("0 of 1", "dialog");
      await page.press("Go on in the background", "dialog");
      await page.sees("Cancelling 0 of 1", ".top");
      await page.page.reload();
      await page.press("Cancelling 0 of 1", ".top");
      await page.sees("Cancelling 1 job", "dialog");
      await page.page.keyboard.press("Escape");
      await page.go("#/queues");
      await Deno.writeTextFile(`${queue.dir}/over`, "");
      await page.sees("Cancelled: 1 job", ".notes");
      await queue.ok("config", "--key", "kill_grace", "--value", "5");
    },
  ],
  ["what a job waits for and what waits for it is drawn", async ({ page }) => {
    await page.go("#/jobs/package");
    await page.sees("waits for 2 jobs; 1 job waits for it", ".graph");
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
];
