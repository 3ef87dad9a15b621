// Work that may take only so long.
import { afterMilliseconds } from "../system/delay.ts";

/** Does `work`, whose signal aborts after so many milliseconds. */
export async function forMilliseconds<T>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const cancel = afterMilliseconds(milliseconds, () => end.abort());
  try {
    return await work(end.signal);
  } finally {
    cancel();
  }
}
