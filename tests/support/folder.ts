// A folder of its own for each test, kept when the test fails.

/** Calls `test` with the path of an empty folder, and removes it if the test succeeds. */
export async function inFolder(test: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "queuectl_test_" }));
  try {
    await test(folder);
  } catch (error) {
    if (error instanceof Error) error.message += `\n(kept: ${folder})`;
    throw error;
  }
  await Deno.remove(folder, { recursive: true });
}
