// What people do with queues, schedules, dead letters, settings, and new jobs.
import { assertEquals, assertMatch } from "@std/assert";
import { waitUntil } from "../support/wait_until.ts";
import type { Step } from "./scene.ts";

export const OTHER_STEPS: readonly Step[] = [
  ["queues are paused and resumed", async ({ page, queue }) => {
    await page.go("#/queues");
    await page.sees("paused: no job starts", "tr.paused");
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
    await page.sees("true nightly", ".jobs");
    const [ran] = await page.ids();
    assertMatch(ran!, /^nightly-run-\d{8}T\d{6}-/);
    await page.press("Pause");
    await page.sees("paused", "h1");
    await page.press("Resume");
    await page.sees("active", "h1");
  }],
  ["dead letters are grouped, and retried by the group", async ({ page }) => {
    await page.go("#/dead");
    await page.sees(/2 exit 3 exit 3/, ".dead-letters");
    await page.sees(/1 exit 5 echo exit 3; exit 5/, ".dead-letters");
    await page.press("Retry…", ".dead-letters tbody tr");
    await page.sees("Retry 2 jobs?", "dialog");
    await page.press("Back", "dialog");
    await page.press("exit 3", ".dead-letters");
    await page.sees("bad-2");
    assertEquals(await page.hash, "#/jobs?state=dead&command=%22exit+3%22&exit_code=3");
    // Not those that only have it in their command.
    assertEquals((await page.ids()).sort(), ["bad-1", "bad-2"]);
    assertEquals(await page.page.$eval("#filter-exit-code", (field) => field.value), "3");
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
    // The heading of the form has that word, too.
    await waitUntil(async () => (await page.hash).endsWith("/again"), "the page of the new job");
    await page.sees("again", "h1");
    const again = await queue.json("job", "show", "again");
    assertEquals([again.command, again.queue, again.cwd], ["echo 'again'", "held", queue.dir]);
  }],
];
