// A folder of its own for each test, kept when the test fails.

/**
 * Runs `test` with a new folder, which is removed if it succeeds; if not, its path is written to
 * stderr.
 */
export async function withTempDir<T>(test: (dir: string) => T | Promise<T>): Promise<T> {
  const dir = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "queuectl-test-" }));
  try {
    const result = await test(dir);
    Deno.removeSync(dir, { recursive: true });
    return result;
  } catch (error) {
    Deno.stderr.writeSync(new TextEncoder().encode(`kept: ${dir}\n`));
    throw error;
  }
}
