// What holds for the page as a whole: while much happens, in many tabs, for all eyes, for who may
// what.
import { assert, assertEquals } from "@std/assert";
import type { TestPage } from "../support/browser.ts";
import { waitUntil } from "../support/wait_until.ts";
import type { Step } from "./scene.ts";

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

export const PAGE_STEPS: readonly Step[] = [
  ["a list under the hand stays as it is while ten thousand jobs come", async ({ page, queue }) => {
    await page.go("#/jobs?command=true");
    await page.sees("tell");
    const box = await (await page.page.$("tbody"))!.boundingBox();
    const before = await page.ids();
    const keep = setInterval(
      () => void page.page.mouse.move(300, box!.y + 20 + Math.random() * 40),
      200,
    );
    try {
      const many = "true more\n".repeat(10_000);
      assertEquals((await queue.run(["enqueue", "--file", "-"], { input: many })).code, 0);
      await page.sees("Show 50+ new jobs");
      assertEquals(await page.ids(), before);
    } finally {
      clearInterval(keep);
    }
    await page.press("Show 50+ new jobs");
    await page.sees("true more", "tbody");
    await page.page.mouse.move(0, 0);
  }],
  [
    "fifty tabs share one stream, and another one takes it over",
    async ({ browser, serving, page }) => {
      const tabs: TestPage[] = [];
      while (tabs.length < 50) {
        const open = () => browser.open(`${serving.origin}/#/queues`);
        tabs.push(...await Promise.all(Array.from({ length: 5 }, open)));
      }
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
      const tab = await browser.open(`${serving.origin}/`);
      const { page } = tab;
      const found: string[] = [];
      await page.evaluate(axe.source);
      for (const [theme, width] of [["light", 1280], ["dark", 390]] as const) {
        await tab.setTheme(theme);
        await page.setViewport({ width, height: 800 });
        for (const screen of SCREENS) {
          await page.evaluate((to) => {
            location.hash = to;
          }, screen);
          await page.waitForNetworkIdle({ idleTime: 100, concurrency: 1 });
          await page.waitForSelector("main h1");
          const here = await page.evaluate(async () => {
            // deno-lint-ignore no-explicit-any -- put there above
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
    "who may only look has nothing to press; who has no token is asked for it; a server comes back",
    async ({ browser, queue, serving }) => {
      const token = "a-token-for-this-test-alone";
      const listen = ["--listen", `127.0.0.1:${quietPort()}`];
      const readOnly = [...listen, "--read-only"];
      const other = await queue.serve(readOnly, { QUEUECTL_SERVE_TOKEN: token });
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
      await other.end();
      await page.sees("offline", ".connection");
      await page.go("#/jobs/bad-2");
      await page.sees("does not answer · Is it still running?", ".trouble");
      // On the same port, with the same token: nobody has to do anything.
      const back = await queue.serve(readOnly, { QUEUECTL_SERVE_TOKEN: token });
      await page.sees("exit 3", "article");
      await page.sees("live", ".connection");
      await back.end();
      await page.sees("offline", ".connection");
      const changed = await queue.serve(listen, {
        QUEUECTL_SERVE_TOKEN: "another-token-of-a-test",
      });
      await page.sees("Token");
      await page.fill("input", "another-token-of-a-test");
      await page.press("Sign in");
      await page.sees("exit 3", "article");
      assertEquals(await page.hash, "#/jobs/bad-2");
      await changed.end();
      await page.page.close();
      assert(serving.origin !== other.origin);
    },
  ],
];

/** A free port that the system gives to nobody who asks for any, so that it stays free. */
function quietPort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
