// Waits for a condition: a test checks often and gives up late, and never sleeps for a fixed time.

/**
 * Resolves with the first truthy result of `condition`; rejects, saying `what`, after `deadline`
 * milliseconds.
 */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  what = String(condition),
  deadline = 30_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + deadline;
  for (;;) {
    const result = await condition();
    if (result) return result as NonNullable<T>;
    if (performance.now() > end) throw new Error(`Not within ${deadline} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
