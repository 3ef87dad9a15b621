// Steps of a worker that wait for the store, however long it is away: the `start` that the worker
// belongs to tells it, once for all.
import { isUnavailable } from "../queue/errors.ts";
import { delay } from "../system/delay.ts";

/** Milliseconds between tries. */
const TRY_AGAIN = 1000;

/**
 * Tries at least once, also where `signal` has aborted before.
 * @returns what `step` returns; undefined if the store is not there, and `signal` aborts
 */
export async function onceReachable<T>(
  step: () => Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
    }
    if (signal.aborted) return undefined;
    await delay(TRY_AGAIN, signal);
  }
}
