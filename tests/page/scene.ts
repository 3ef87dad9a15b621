// What the steps of browser_test.ts act on: jobs of all kinds, workers, `serve`, and a browser.
import { assertEquals } from "@std/assert";
import { type TestBrowser, type TestPage, withBrowser } from "../support/browser.ts";
import { type QueueProgram, type Serving, withQueue } from "../support/queue_program.ts";

export interface Scene {
  readonly queue: QueueProgram;
  readonly serving: Serving;
  readonly browser: TestBrowser;
  readonly page: TestPage;
}

/** What somebody does, in words, and as code. */
export type Step = readonly [string, (scene: Scene) => Promise<void>];

/** What is there before anybody looks. */
const JOBS: readonly Record<string, unknown>[] = [
  ...Array.from(
    { length: 70 },
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
  { id: "bad-other", command: "echo exit 3; exit 5", max_retries: 0 },
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

/** Sets it up, and ends it. */
export function withScene(test: (scene: Scene) => Promise<void>): Promise<void> {
  return withQueue((queue) =>
    withBrowser(async (browser) => {
      const file = JOBS.map((job) => JSON.stringify(job)).join("\n");
      assertEquals((await queue.run(["enqueue", "--file", "-"], { input: file })).code, 0);
      await queue.ok("queue", "pause", "held");
      const when = ["--cron", "30 2 * * *", "--tz", "Asia/Kathmandu"];
      await queue.ok("schedule", "add", "nightly", ...when, "true nightly");
      await queue.start("--count", "2");
      await queue.waitForState("dead-key", "dead");
      await queue.waitForState("long", "completed");
      const serving = await queue.serve(["--allow-enqueue"]);
      const page = await browser.open(serving.address.href);
      await test({ queue, serving, browser, page });
      await serving.end();
    })
  );
}
