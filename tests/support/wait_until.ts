// Waits for something that another process brings about. The only waiting in tests.

/** Returns when `condition` holds; it is asked every few milliseconds. @throws Error when `deadline` milliseconds have passed */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  deadline = 10_000,
  what: string = String(condition),
): Promise<void> {
  const end = performance.now() + deadline;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`Not within ${deadline} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
