// Waiting that can be ended early and leaves no timer behind.

/** `setTimeout` takes no more: 24.8 days. */
const LONGEST = 2 ** 31 - 1;

/** Calls `then` once after any length of time, unless the function returned is called before. */
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

/** Some milliseconds, or until `early` settles. */
export async function pause(milliseconds: number, early?: Promise<unknown>): Promise<void> {
  let cancel = () => {};
  const late = new Promise<void>((resolve) => cancel = afterMilliseconds(milliseconds, resolve));
  await (early ? Promise.race([late, early]) : late);
  cancel();
}
