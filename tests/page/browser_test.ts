// The dashboard as people use it: a real browser, `queuectl serve` and workers. One launch for all.
import { needingBrowser } from "../support/browser.ts";
import { JOB_STEPS } from "./job_steps.ts";
import { OTHER_STEPS } from "./other_steps.ts";
import { PAGE_STEPS } from "./page_steps.ts";
import { withScene } from "./scene.ts";

Deno.test({
  ...needingBrowser("the dashboard, in a real browser"),
  // Those are the browser's and its driver's.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: (t) =>
    withScene(async (scene) => {
      // One step builds on another: what comes after a failure would only blur it.
      let isFine = true;
      for (const [name, act] of [...JOB_STEPS, ...OTHER_STEPS, ...PAGE_STEPS]) {
        isFine = await t.step({ name, fn: () => act(scene), ignore: !isFine }) && isFine;
      }
    }),
});
