// What builds are made of works as the sources do: a bundle takes packages in by other rules than
// Deno does, so that a driver may be there from source, and missing in a build.
import { assertEquals } from "@std/assert";
import { serversForTests } from "../support/servers.ts";
import { withTempDir } from "../support/temp_dir.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

for (const server of await serversForTests()) {
  Deno.test(`a bundle reaches a queue on ${server.kind}`, () =>
    withTempDir(async (dir) => {
      const store = `--store=${server.url()}`;
      await deno("bundle", "--quiet", "--code-splitting", "--outdir", `${dir}/bundle`, "main.ts");
      const run = (...args: string[]) => deno("run", "-A", `${dir}/bundle/main.js`, ...args, store);
      assertEquals(await run("enqueue", "--job-id", "a", "true"), "a\n");
      assertEquals(await run("job", "cancel", "a"), "Cancelled a\n");
    }));
}

/** What Deno prints. */
async function deno(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (!success) throw new Error(error);
  return out!;
}
