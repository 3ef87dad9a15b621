// install.sh against a server on this machine, with a folder of tools as its whole PATH.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TARGETS } from "../../scripts/targets.ts";
import { pathOfUrl } from "../../src/system/self.ts";
import { needing, pathOf } from "../support/has_program.ts";
import { withTempDir } from "../support/temp_dir.ts";

const SCRIPT = pathOfUrl(new URL("../../scripts/install.sh", import.meta.url).href);
const PROGRAM = `#!/bin/sh\necho "queuectl 1.2.3 (test)"\n`;
const TOOLS = [
  "sh",
  "mktemp",
  "mkdir",
  "chmod",
  "mv",
  "rm",
  "awk",
  "cat",
  "grep",
  "sha256sum",
  "shasum",
];
const FETCHERS = ["curl", "wget"].filter((name) => pathOf(name) !== undefined);
const fetching = (name: string) => needing(["curl|wget"], name);

type Files = Record<string, string | (() => Response)>;

interface World {
  /** A folder of its own; `home` is in it. */
  readonly dir: string;
  readonly bin: string;
  /** What the server has, by path. */
  readonly files: Files;
  install(
    args?: readonly string[],
    options?: Machine,
  ): Promise<{ code: number; out: string; err: string }>;
}

interface Machine {
  readonly fetcher?: string;
  readonly os?: string;
  readonly arch?: string;
  readonly env?: Record<string, string>;
}

Deno.test({
  ...fetching("install.sh installs the latest release, and says how to get completions"),
  fn: () =>
    inWorld(async ({ bin, files, install }) => {
      Object.assign(files, await release("/latest/download"));
      const { code, out, err } = await install();
      assertEquals([code, err], [0, ""]);
      assertStringIncludes(out, "Installed queuectl 1.2.3 (test)");
      assertStringIncludes(out, "is not on your PATH");
      assertStringIncludes(out, "queuectl completions bash");
      await assertInstalled(bin);
    }),
});

for (const fetcher of FETCHERS) {
  Deno.test({
    ...fetching(`install.sh does with ${fetcher} alone, a given version and a folder with a space`),
    fn: () =>
      inWorld(async ({ dir, files, install }) => {
        Object.assign(files, await release("/download/v1.2.3"));
        const { code, err } = await install(["--version", "v1.2.3", "--dir", `${dir}/my bin`], {
          fetcher,
        });
        assertEquals([code, err], [0, ""]);
        await assertInstalled(`${dir}/my bin`);
      }),
  });

  Deno.test({
    ...fetching(`install.sh with ${fetcher} leaves what was there when the download breaks off`),
    fn: () =>
      inWorld(async ({ bin, files, install }) => {
        await put(bin, "old");
        Object.assign(files, await release("/latest/download"));
        for (const { file } of TARGETS) files[`/latest/download/${file}`] = brokenOff;
        const { code, err } = await install([], { fetcher });
        assertEquals(code, 1);
        assertMatch(err, /could not be downloaded|not what was released/);
        await assertUntouched(bin);
      }),
  });

  Deno.test({
    ...fetching(
      `install.sh with ${fetcher} says which address a missing version was looked for at`,
    ),
    fn: () =>
      inWorld(async ({ bin, install }) => {
        await put(bin, "old");
        const { code, err } = await install(["--version=9.9.9"], { fetcher });
        assertEquals(code, 1);
        assertStringIncludes(err, "/download/v9.9.9/SHA256SUMS could not be downloaded");
        await assertUntouched(bin);
      }),
  });
}

Deno.test({
  ...fetching("install.sh replaces an older file"),
  fn: () =>
    inWorld(async ({ bin, files, install }) => {
      await put(bin, "old");
      Object.assign(files, await release("/latest/download"));
      assertEquals((await install()).code, 0);
      await assertInstalled(bin);
    }),
});

Deno.test({
  ...fetching("install.sh refuses a file with another checksum"),
  fn: () =>
    inWorld(async ({ bin, files, install }) => {
      await put(bin, "old");
      Object.assign(files, await release("/latest/download"));
      for (const { file } of TARGETS) files[`/latest/download/${file}`] = PROGRAM + "# changed\n";
      const { code, err } = await install();
      assertEquals(code, 1);
      assertStringIncludes(err, "not what was released");
      await assertUntouched(bin);
    }),
});

Deno.test({
  ...fetching("install.sh refuses checksums that lack its file, and a page that is none"),
  fn: () =>
    inWorld(async ({ bin, files, install }) => {
      await put(bin, "old");
      for (const sums of ["", "<html>please log in</html>\n", "0000  queuectl-amiga\n"]) {
        files["/latest/download/SHA256SUMS"] = sums;
        const { code, err } = await install();
        assertEquals(code, 1);
        assertStringIncludes(err, "this release has no queuectl-");
      }
      await assertUntouched(bin);
    }),
});

Deno.test({
  ...fetching("install.sh refuses a program that does not start here"),
  fn: () =>
    inWorld(async ({ bin, files, install }) => {
      await put(bin, "old");
      Object.assign(files, await release("/latest/download", "#!/bin/sh\nexit 127\n"));
      const { code, err } = await install();
      assertEquals(code, 1);
      assertStringIncludes(err, "does not start");
      await assertUntouched(bin);
    }),
});

Deno.test({
  ...fetching("install.sh finds each platform's file by what uname says"),
  fn: () =>
    inWorld(async ({ dir, files, install }) => {
      const machines: [os: string, arch: string, target: string][] = [
        ["Linux", "x86_64", "linux-x64"],
        ["Linux", "aarch64", "linux-arm64"],
        ["Darwin", "x86_64", "macos-x64"],
        ["Darwin", "arm64", "macos-arm64"],
        ["MINGW64_NT-10.0", "x86_64", "windows-x64"],
      ];
      for (const [os, arch, name] of machines) {
        const { file } = TARGETS.find((target) => target.name === name)!;
        const whole = await release("/latest/download");
        for (const path of Object.keys(files)) delete files[path];
        files["/latest/download/SHA256SUMS"] = whole["/latest/download/SHA256SUMS"]!;
        files[`/latest/download/${file}`] = PROGRAM;
        const { code, err } = await install(["--dir", `${dir}/${name}`], { os, arch });
        assertEquals([code, err], [0, ""], name);
      }
      assert((await Deno.stat(`${dir}/windows-x64/queuectl.exe`)).isFile);
    }),
});

Deno.test({
  ...fetching("install.sh names a platform without a build, and touches nothing"),
  fn: () =>
    inWorld(async ({ dir, bin, install }) => {
      for (
        const [os, arch] of [["FreeBSD", "amd64"], ["Linux", "riscv64"], [
          "MINGW64_NT-10.0",
          "arm64",
        ]]
      ) {
        const { code, err } = await install([], { os: os!, arch: arch! });
        assertEquals(code, 1);
        assertStringIncludes(err, `no build for ${os} on ${arch}`);
      }
      assertEquals(await names(dir), ["home", "tools"]);
      assertEquals(await names(`${dir}/home`), []);
      assertEquals(await names(bin).catch(() => "none"), "none");
    }),
});

Deno.test({
  ...fetching("install.sh refuses what it does not understand"),
  fn: () =>
    inWorld(async ({ install }) => {
      for (
        const args of [["--prefix", "/"], ["--version"], ["--version", "1/../2"], ["--dir", ""], [
          "x",
        ]]
      ) {
        assertEquals((await install(args)).code, 1, args.join(" "));
      }
      assertEquals((await install([], { env: { HOME: "" } })).code, 1);
      assertEquals((await install([], { fetcher: "none" })).code, 1);
      assertStringIncludes((await install(["--help"])).out, "Usage:");
    }),
});

Deno.test({
  ...fetching("install.sh does nothing when it was cut off on its way"),
  fn: () =>
    inWorld(async ({ dir, files }) => {
      Object.assign(files, await release("/latest/download"));
      const whole = await Deno.readTextFile(SCRIPT);
      for (const part of [0.3, 0.6, 0.9, 0.99]) {
        await Deno.writeTextFile(`${dir}/cut.sh`, whole.slice(0, whole.length * part));
        await new Deno.Command("sh", { args: [`${dir}/cut.sh`], env: { HOME: `${dir}/home` } })
          .output();
        assertEquals(await names(`${dir}/home`), []);
      }
    }),
});

async function inWorld(test: (world: World) => Promise<void>): Promise<void> {
  const files: Files = {};
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const content = files[new URL(request.url).pathname];
    if (content === undefined) return new Response("Not here", { status: 404 });
    return typeof content === "string" ? new Response(content) : content();
  });
  try {
    await withTempDir(async (dir) => {
      await Deno.mkdir(`${dir}/home`);
      await Deno.mkdir(`${dir}/tools`);
      for (const name of TOOLS) {
        const path = pathOf(name);
        if (path !== undefined) await Deno.symlink(path, `${dir}/tools/${name}`);
      }
      const install: World["install"] = async (args = [], machine = {}) => {
        const tools = await machineTools(dir, machine);
        const { code, stdout, stderr } = await new Deno.Command(`${tools}/sh`, {
          args: [SCRIPT, ...args],
          clearEnv: true,
          env: {
            HOME: `${dir}/home`,
            PATH: tools,
            SHELL: "/bin/bash",
            QUEUECTL_RELEASES: `http://127.0.0.1:${server.addr.port}`,
            ...machine.env,
          },
        }).output();
        return {
          code,
          out: new TextDecoder().decode(stdout),
          err: new TextDecoder().decode(stderr),
        };
      };
      await test({ dir, bin: `${dir}/home/.local/bin`, files, install });
    });
  } finally {
    await server.shutdown();
  }
}

/** A folder of tools with `uname` and one program to download with. */
async function machineTools(
  dir: string,
  { fetcher = FETCHERS[0]!, os = "Linux", arch = "x86_64" }: Machine,
) {
  const uname = `${dir}/tools/uname`;
  await Deno.writeTextFile(uname, `#!/bin/sh\n[ "$1" = -s ] && echo '${os}' || echo '${arch}'\n`, {
    mode: 0o755,
  });
  for (const name of FETCHERS) await Deno.remove(`${dir}/tools/${name}`).catch(() => {});
  const path = pathOf(fetcher);
  if (path !== undefined) await Deno.symlink(path, `${dir}/tools/${fetcher}`);
  return `${dir}/tools`;
}

/** A release in which every platform's file is the same. */
async function release(folder: string, program = PROGRAM): Promise<Files> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(program));
  const files: Files = {};
  let sums = "";
  for (const { file } of TARGETS) {
    files[`${folder}/${file}`] = program;
    sums += `${new Uint8Array(hash).toHex()}  ${file}\n`;
  }
  files[`${folder}/SHA256SUMS`] = sums;
  return files;
}

/** Promises more than it sends. */
function brokenOff(): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(PROGRAM.slice(0, 12)));
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-length": String(PROGRAM.length) } });
}

async function put(bin: string, content: string): Promise<void> {
  await Deno.mkdir(bin, { recursive: true });
  await Deno.writeTextFile(`${bin}/queuectl`, content);
}

async function assertInstalled(bin: string): Promise<void> {
  assertEquals(await names(bin), ["queuectl"]);
  assertEquals(await Deno.readTextFile(`${bin}/queuectl`), PROGRAM);
  assertEquals((await Deno.stat(`${bin}/queuectl`)).mode! & 0o777, 0o755);
}

async function assertUntouched(bin: string): Promise<void> {
  assertEquals(await names(bin), ["queuectl"]);
  assertEquals(await Deno.readTextFile(`${bin}/queuectl`), "old");
}

async function names(dir: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(dir), ({ name }) => name)).sort();
}
