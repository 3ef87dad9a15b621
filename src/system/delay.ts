// Waiting for any length of time, which can be ended early and leaves no timer behind.

/** The longest time that `setTimeout` takes, 24.8 days; a longer one fires at once. */
const LONGEST = 2 ** 31 - 1;

/** Calls `then` once after `milliseconds`, unless the returned function is called before. */
export function afterMilliseconds(milliseconds: number, then: () => void): () => void {
  const due = performance.now() + milliseconds;
  let timer = arm();
  return () => clearTimeout(timer);

  function arm(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      if (performance.now() < due - 1) timer = arm();
      else then();
    }, Math.max(0, Math.min(due - performance.now(), LONGEST)));
  }
}

/** Resolves after `milliseconds`, or as soon as `signal` aborts. */
export function delay(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = afterMilliseconds(milliseconds, done);
    signal?.addEventListener("abort", done);
  });
}

/** Resolves after `milliseconds`, or as soon as `early` settles. */
export async function pause(milliseconds: number, early?: Promise<unknown>): Promise<void> {
  let cancel = () => {};
  const late = new Promise<void>((resolve) => cancel = afterMilliseconds(milliseconds, resolve));
  try {
    await (early ? Promise.race([late, early]) : late);
  } finally {
    cancel();
  }
}
