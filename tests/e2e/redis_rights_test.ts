// What users of a Redis server with few rights can do, and what they are told of the rest.
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ErrorReply, Wire } from "../../src/stores/redis/driver.ts";
import { QueueProgram } from "../support/queue_program.ts";
import { startRedis } from "../support/redis_server.ts";
import { withTempDir } from "../support/temp_dir.ts";

const ALL_KEYS = "~{queuectl}:*";

/** The rights that docs/redis.md names. */
function documentedRights(): string[] {
  const text = Deno.readTextFileSync(new URL("../../docs/redis.md", import.meta.url));
  return /ACL SETUSER queue on >PASSWORD (.*)/.exec(text)![1]!.split(" ");
}

const server = await startRedis();
if (server !== undefined) {
  /** A program whose user has these rights, and one whose user has all. */
  const rightsTest = (
    says: string,
    rights: readonly string[],
    test: (own: QueueProgram, all: QueueProgram) => Promise<void>,
  ) =>
    Deno.test(`Redis: ${says}`, () =>
      withTempDir(async (dir) => {
        await server.command("FLUSHALL");
        await server.command("ACL", "SETUSER", "limited", "reset", "on", "nopass", ...rights);
        const program = (user: string) =>
          QueueProgram.at(server.url().replace("redis://", `redis://${user}`), dir, {
            QUEUECTL_STORE_PASSWORD: user === "" ? "" : "any",
          });
        await test(program("limited@"), program(""));
      }));

  rightsTest("the rights that docs/redis.md names are enough", documentedRights(), async (own) => {
    await own.ok("schedule", "add", "often", "--every", "1h", "true");
    await own.ok("queue", "set", "default", "--limit", "1");
    const id = await own.ok("enqueue", "echo hello");
    await own.ok("start", "--drain");
    assertEquals(await own.ok("job", "logs", id), "hello");
    await own.ok("storage", "backup", "copy");
    await own.ok("storage", "restore", "copy", "--confirm");
    await own.ok("storage", "check");
    await own.ok("status", "--verbose");
    const wire = await Wire.open(
      { host: `${server.folder}/s`, port: 0 },
      new AbortController().signal,
    );
    await wire.ask(["AUTH", "limited", "any"]);
    for (const words of [["FLUSHALL"], ["SWAPDB", "0", "1"], ["CLIENT", "PAUSE", "1"]]) {
      const { word } = await assertRejects(() => wire.ask(words), ErrorReply);
      assertEquals(word, "NOPERM");
    }
    wire.end();
  });

  const WITHOUT_WRITES = [ALL_KEYS, "&*", "+@all", "-@write"];
  rightsTest("who may not write is told so", WITHOUT_WRITES, async (own, all) => {
    await all.ok("enqueue", "true");
    const { code, stderr } = await own.run(["enqueue", "true"]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "this user may not do that");
    assertStringIncludes(stderr, "docs/redis.md has the rights");
    assertEquals((await own.json("list")).length, 1);
  });

  const WITHOUT_CHANNELS = [ALL_KEYS, "resetchannels", "+@all"];
  rightsTest("who may not publish changes nothing", WITHOUT_CHANNELS, async (own, all) => {
    const { code, stderr } = await own.run(["enqueue", "true"]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "this user may not do that");
    assertEquals(await all.json("list"), []);
  });

  rightsTest("start looks for what it can't be told of", WITHOUT_CHANNELS, async (own, all) => {
    const id = await all.ok("enqueue", "true");
    const { stderr } = await own.run(["start", "--drain"]);
    assert(!stderr.includes("Uncaught"), stderr);
    assertEquals((await all.json("job", "show", id)).state, "completed");
  });
}
