import { assertEquals } from "@std/assert";
import { ANYWHERE, PERMISSION_FLAGS, workerPermissions } from "../../src/system/permissions.ts";
import { ENGINE_FLAG, pathOfUrl, selfCommand, type SelfFacts } from "../../src/system/self.ts";
import { withTempDir } from "../support/temp_dir.ts";

const SOURCES: SelfFacts = {
  standalone: false,
  execPath: "/usr/bin/deno",
  mainModule: "file:///opt/queue%20ctl/main.ts",
  exists: () => true,
};

function compiled(execPath: string, existing: readonly string[]): SelfFacts {
  return { ...SOURCES, standalone: true, execPath, exists: (path) => existing.includes(path) };
}

Deno.test("selfCommand() of a compiled program is its own file and nothing else", () => {
  const facts = compiled("/usr/bin/queuectl", ["/usr/bin/queuectl"]);
  assertEquals(selfCommand(["--allow-read"], facts), { program: "/usr/bin/queuectl", args: [] });
});

Deno.test("selfCommand() is the newer file where the running one was replaced", () => {
  const facts = compiled("/usr/bin/queuectl (deleted)", ["/usr/bin/queuectl"]);
  assertEquals(selfCommand([], facts).program, "/usr/bin/queuectl");
});

Deno.test("selfCommand() names the missing file, so that starting it fails with a path to look at", () => {
  assertEquals(
    selfCommand([], compiled("/usr/bin/queuectl (deleted)", [])).program,
    "/usr/bin/queuectl",
  );
});

Deno.test("selfCommand() believes a file that is really called so", () => {
  const facts = compiled("/tmp/q (deleted)", ["/tmp/q (deleted)", "/tmp/q"]);
  assertEquals(selfCommand([], facts).program, "/tmp/q (deleted)");
});

Deno.test("selfCommand() under deno run names the configuration beside the main module", () => {
  assertEquals(selfCommand(["--allow-run"], SOURCES), {
    program: "/usr/bin/deno",
    args: [
      "run",
      "--cached-only",
      "--config",
      "/opt/queue ctl/deno.json",
      ENGINE_FLAG,
      "--allow-run",
      "/opt/queue ctl/main.ts",
    ],
  });
});

Deno.test("selfCommand() under deno run starts the program from another folder, its packages resolved", async () => {
  await withTempDir(async (dir) => {
    Deno.mkdirSync(`${dir}/a b`);
    Deno.writeTextFileSync(`${dir}/a b/deno.json`, `{"imports": {"word": "./word.ts"}}`);
    Deno.writeTextFileSync(`${dir}/a b/word.ts`, `export const word = "found";`);
    Deno.writeTextFileSync(
      `${dir}/a b/main.ts`,
      `import { word } from "word";
       import { selfCommand } from "${new URL("../../src/system/self.ts", import.meta.url)}";
       const { program, args } = selfCommand(["--no-prompt"]);
       await Deno.stdout.write(new TextEncoder().encode(JSON.stringify([word, program, args])));`,
    );
    const first = selfCommand(["--no-prompt", "--allow-read"], {
      standalone: false,
      execPath: Deno.execPath(),
      mainModule: `file://${encodeURI(`${dir}/a b/main.ts`)}`,
      exists: () => true,
    });
    const [word, program, args] = await output(first.program, first.args, "/");
    assertEquals(word, "found");
    // What it says of itself works once more.
    assertEquals((await output(program as string, args as string[], "/"))[0], "found");
  });
});

async function output(program: string, args: readonly string[], cwd: string): Promise<unknown[]> {
  const { stdout, stderr, code } = await new Deno.Command(program, { args: [...args], cwd })
    .output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("pathOfUrl() writes paths as the platform does", () => {
  assertEquals(pathOfUrl("file:///home/me/a%20%25.ts"), "/home/me/a %.ts");
  assertEquals(pathOfUrl("file:///C:/Users/me/main.ts"), "C:/Users/me/main.ts");
  assertEquals(pathOfUrl("file://server/share/main.ts"), "//server/share/main.ts");
});

Deno.test("workerPermissions() narrows the disk to the folder of the data, beside reading its own code", () => {
  const narrow = workerPermissions({ folder: "/data" }, ["/code", "/link"]);
  assertEquals(narrow.filter((flag) => /read|write/.test(flag)), [
    "--allow-read=/data,/code,/link",
    "--allow-write=/data",
  ]);
  assertEquals(narrow.length, PERMISSION_FLAGS.length - 1);
});

Deno.test("workerPermissions() allows of the net nothing but the store", () => {
  const netOf = (net: string[]) =>
    workerPermissions({ folder: "/data", net }, ["/code"]).filter((flag) => /net|write/.test(flag));
  assertEquals(netOf([]), ["--allow-write=/data"]);
  assertEquals(netOf(["db:5432"]), ["--allow-write=/data", "--allow-net=db:5432"]);
  assertEquals(netOf(["unix:/run/s"]), ["--allow-write=/data,/run/s", "--allow-net=unix:/run/s"]);
  assertEquals(netOf(["db:5432", ANYWHERE]), ["--allow-write=/data", "--allow-net"]);
  assertEquals(netOf(["unix:/run/s", ANYWHERE]), ["--allow-write=/data,/run/s", "--allow-net"]);
});

Deno.test("workerPermissions() does without where the folder can't be written in a list", () => {
  const wide = PERMISSION_FLAGS.filter((flag) => flag !== "--allow-net");
  assertEquals(workerPermissions({ folder: "/a,b" }, ["/code"]), wide);
});
