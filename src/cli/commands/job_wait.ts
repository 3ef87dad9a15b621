// queuectl job wait.
import { QueueError } from "../../queue/errors.ts";
import { hasEnded } from "../../queue/job.ts";
import { chosenJobs } from "../chosen_jobs.ts";
import type { CommandContext } from "../command_context.ts";
import { rideOut } from "../ride_out.ts";

const POLL = 150;

/**
 * Waits until all jobs have ended, and prints their states.
 * @returns the exit code: 0 if all completed
 */
export async function waitCommand(call: CommandContext): Promise<number> {
  const { context, flags } = call;
  const timeout = flags.number("timeout");
  const deadline = timeout === undefined ? Infinity : context.now() + timeout * 1000;
  const isOver = () => context.now() >= deadline;
  return await call.withReader(async (store) => {
    const left = new Set((await chosenJobs(call, store)).map(({ id }) => id));
    let code = 0;
    for (;;) {
      for (const id of left) {
        const job = await rideOut(call, () => store.get(id), isOver);
        if (job !== undefined && !hasEnded(job)) continue;
        const state = job?.status.state ?? "removed";
        left.delete(id);
        if (state !== "completed") code = 1;
        call.print(`${id} ${state}\n`);
      }
      if (left.size === 0) return code;
      const rest = deadline - context.now();
      if (rest <= 0) {
        const which = left.size === 1 ? `job "${[...left][0]}" has` : `${left.size} jobs have`;
        throw new QueueError("unfinished", `The timeout has passed: ${which} not ended`);
      }
      await context.sleep(Math.min(POLL, rest));
    }
  });
}
