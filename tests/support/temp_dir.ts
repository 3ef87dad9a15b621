// A separate folder for each test, kept if the test fails.

import { afterMilliseconds } from "../../src/system/delay.ts";

/** Milliseconds after which a test is taken to hang. The longest takes a minute on a busy machine. */
const HANGS = 10 * 60_000;

/**
 * Runs `test` with a new folder, which is removed if it succeeds; if not, its path is written to
 * stderr. A test that hangs fails, so that one can see which it was.
 */
export async function withTempDir<T>(test: (dir: string) => T | Promise<T>): Promise<T> {
  const dir = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "queuectl-test-" }));
  try {
    const result = await inTime(test(dir));
    Deno.removeSync(dir, { recursive: true });
    return result;
  } catch (error) {
    Deno.stderr.writeSync(new TextEncoder().encode(`kept: ${dir}\n`));
    throw error;
  }
}

async function inTime<T>(result: T | Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = afterMilliseconds(
    HANGS,
    () => reject(new Error(`Not done within ${HANGS / 60_000} minutes`)),
  );
  try {
    return await Promise.race([result, late]);
  } finally {
    cancel();
  }
}
