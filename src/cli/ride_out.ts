// What commands that wait for a job do while a server is away: they wait for it, too.
import { isUnavailable } from "../queue/errors.ts";
import type { CommandContext } from "./command_context.ts";

/** Milliseconds between tries. */
const TRY_AGAIN = 1000;

/**
 * Does `step` until the store can be reached, as it could before. Says once that it can't.
 * @param isOver whether to wait no longer
 * @throws the error of the last try where it is over
 */
export async function rideOut<T>(
  call: CommandContext,
  step: () => Promise<T>,
  isOver: () => boolean,
): Promise<T> {
  for (let isTold = false;; isTold = true) {
    try {
      return await step();
    } catch (error) {
      if (!isUnavailable(error) || isOver()) throw error;
      if (!isTold) call.say(`queuectl: ${error.message}; waiting until it is back`);
    }
    await call.context.sleep(TRY_AGAIN);
  }
}
