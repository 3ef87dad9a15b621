// queuectl job wait.
import { isFinal } from "../../queue/dependencies.ts";
import { QueueError } from "../../queue/errors.ts";
import { findJobs } from "../../queue/find_job.ts";
import type { CommandContext } from "../command_context.ts";

const POLL = 150;

/** Waits until all jobs have ended, and prints how. @returns the exit code: 0 if all completed */
export async function waitCommand(call: CommandContext): Promise<number> {
  const { context, flags, args } = call;
  const timeout = flags.number("timeout");
  const deadline = timeout === undefined ? Infinity : context.now() + timeout * 1000;
  return await call.withReader(async (store) => {
    const left = new Set((await findJobs(store, args)).map(({ id }) => id));
    let code = 0;
    for (;;) {
      for (const id of left) {
        const state = (await store.get(id))?.status.state ?? "removed";
        if (!isFinal(state)) continue;
        left.delete(id);
        if (state !== "completed") code = 1;
        call.print(`${id} ${state}\n`);
      }
      if (left.size === 0) return code;
      const rest = deadline - context.now();
      if (rest <= 0) {
        const which = left.size === 1 ? `job "${[...left][0]}" has` : `${left.size} jobs have`;
        throw new QueueError("unfinished", `The time is up: ${which} not ended`);
      }
      await context.sleep(Math.min(POLL, rest));
    }
  });
}
