// Where the password of a server is seen: nowhere, but by its driver.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { QueueProgram } from "../support/queue_program.ts";
import type { ServerForTests } from "../support/servers.ts";
import { withTempDir } from "../support/temp_dir.ts";

export const SECRET = "p4ss/w0rd%of@mine";

function queueAt(dir: string, env: Record<string, string>): QueueProgram {
  return new QueueProgram(dir, {
    env: { XDG_STATE_HOME: `${dir}/state`, HOME: dir, ...env },
    remove: () => Promise.resolve(),
  });
}

/** Declares the tests, which are for a server that wants no password or takes this one: `SECRET`. */
export function testSecrets(server: ServerForTests): void {
  const secretsTest = (says: string, test: (url: URL, dir: string) => Promise<void>) =>
    Deno.test({
      name: `${server.kind}: ${says}`,
      ignore: Deno.build.os !== "linux",
      fn: () => withTempDir((dir) => test(new URL(server.url()), dir)),
    });

  secretsTest(
    "neither ps, jobs, workers, status nor the folder of the host has the password",
    async (
      url,
      dir,
    ) => {
      const bare = url.href;
      url.password = encodeURIComponent(SECRET);
      const queue = queueAt(dir, {
        QUEUECTL_STORE: url.href,
        QUEUECTL_STORE_PASSWORD: SECRET,
        ...(server.kind === "postgres" ? { PGPASSWORD: SECRET } : {}),
        DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
      });
      try {
        const start = Number(await queue.ok("start", "--detach"));
        const id = await queue.ok("enqueue", "env; tr '\\0' '\\n' </proc/$PPID/environ");
        await queue.waitForState(id, "completed");
        const pid = (await queue.workers())[0]!.pid;
        const seen = {
          job: await queue.ok("job", "logs", id),
          status: await queue.ok("status", "--json"),
          verbose: await queue.ok("status", "--verbose"),
          worker: Deno.readTextFileSync(`/proc/${pid}/environ`),
          ps: [start, pid].map((one) => Deno.readTextFileSync(`/proc/${one}/cmdline`)).join(),
          folder: textBelow(`${dir}/state`),
        };
        for (const [where, text] of Object.entries(seen)) {
          for (const form of [SECRET, encodeURIComponent(SECRET), url.password]) {
            assert(!text.includes(form), `${where}: ${text}`);
          }
        }
        assertStringIncludes(seen.job, `QUEUECTL_STORE=${bare}`);
        assertStringIncludes(seen.ps, `--store=${bare}`);
      } finally {
        await queue.end();
      }
    },
  );

  secretsTest("a password in --store is refused, and no message has one", async (url, dir) => {
    url.password = encodeURIComponent(SECRET);
    const refused = await queueAt(dir, {}).run(["list", "--store", url.href]);
    assertEquals([refused.code, refused.stdout], [2, ""]);
    const away = new URL(url.href.replace(url.host, "127.0.0.1:1"));
    const unreached = await queueAt(dir, { QUEUECTL_STORE: away.href }).run(["enqueue", "true"]);
    assertEquals(unreached.code, 1);
    for (const { stderr } of [refused, unreached]) {
      assert(!stderr.includes(url.password) && !stderr.includes(SECRET), stderr);
    }
  });
}

/** All that the files below a folder say. */
function textBelow(path: string): string {
  return [...Deno.readDirSync(path)].map(({ name, isDirectory, isFile }) => {
    if (isDirectory) return textBelow(`${path}/${name}`);
    return isFile ? Deno.readTextFileSync(`${path}/${name}`) : ""; // a named pipe is no file
  }).join("\n");
}
