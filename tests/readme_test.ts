// Every shell block of the README is run, as whoever copies it would. Blocks of one section are run
// one after another in one folder, with one home and one shell each; programs that a machine may
// lack, or that reach the net, are stood in for.
import { assert, assertEquals } from "@std/assert";
import { cleanEnvironment, putOnPath } from "../scripts/on_path.ts";
import { TARGETS } from "../scripts/targets.ts";
import { COMMANDS } from "../src/cli/commands.ts";
import { DEFAULT_SETTINGS, SETTING_KEYS } from "../src/queue/settings.ts";
import { pathOfUrl } from "../src/system/self.ts";
import { needing, pathOf } from "./support/has_program.ts";
import { programUnderTest } from "./support/program.ts";
import { type Block, endsWith, sectionsOf } from "./support/shell_blocks.ts";
import { withTempDir } from "./support/temp_dir.ts";

const ROOT = pathOfUrl(new URL("..", import.meta.url).href);
const README = Deno.readTextFileSync(`${ROOT}README.md`);
const REFERENCE = /<!-- commands:[^]*<!-- end of commands -->\n/;
const onWindows = Deno.build.os === "windows";

for (
  const { title, blocks } of sectionsOf(
    README.replace(REFERENCE, (text) => text.replace(/[^\n]/g, "")),
  )
) {
  Deno.test({
    ...needing(
      blocks.some(({ steps }) => steps.some(({ script }) => wantsBash(script))) ? ["bash"] : [],
      `README: the shell blocks under "${title}" do what they say`,
    ),
    fn: () =>
      withTempDir(async (dir) => {
        const world = await makeWorld(dir);
        for (const block of blocks) await runBlock(world, block);
        await world.stop();
      }),
  });
}

Deno.test({
  name: "README: the examples of every command work, in a queue that has such jobs",
  ignore: onWindows,
  fn: () =>
    withTempDir(async (dir) => {
      const world = await makeWorld(dir);
      const prepared = await world.shell(PREPARATION);
      assertEquals(prepared.code, 0, prepared.text);
      for (const { hidden, examples } of COMMANDS) {
        for (const example of hidden ? [] : examples) {
          if (/--watch/.test(example)) continue; // needs a terminal
          if (wantsBash(example) && pathOf("bash") === undefined) continue;
          const { code, text } = await world.shell(
            `rm -rf ~/.local/share/queuectl; cp -a ~/prepared ~/.local/share/queuectl\n${
              before(example)
            }\n${example}\nwait`,
          );
          assertEquals(code, 0, `${example}\n${text}`);
          if (example.includes("--detach")) await world.stop();
        }
      }
      await world.stop();
    }),
});

Deno.test("README: every command is mentioned, and every setting with its default", () => {
  const unmentioned = COMMANDS.filter(({ hidden, name }) =>
    !hidden && !README.includes(`queuectl ${name}`)
  );
  assertEquals(unmentioned.map(({ name }) => name), []);
  for (const key of SETTING_KEYS) {
    const row = README.split("\n").find((line) => line.startsWith(`| \`${key}\` `))?.split("|").map(
      (cell) => cell.trim(),
    );
    assertEquals(row?.[2], String(DEFAULT_SETTINGS[key]), key);
  }
});

/**
 * A dead job that has a log, and what else the examples name. Each example begins with a copy of
 * it.
 */
const PREPARATION = `
  queuectl enqueue --job-id 3f2a --max-retries 0 'echo hello; exit 1'
  queuectl start --drain
  echo 'echo one' > jobs.txt
  echo all: > Makefile
  mkdir ~/notes ~/backups
  queuectl storage backup ~/backups/queue-monday
  mv ~/.local/share/queuectl ~/prepared
`;

/** What has to happen before, or beside, an example. */
function before(example: string): string {
  if (example.startsWith("queuectl start") && !/--drain|--detach/.test(example)) {
    const nobody = `queuectl status --json | grep -q '"workers": \\[\\]'`;
    return `(while ${nobody}; do sleep 0.1; done; queuectl stop) &`;
  }
  if (example.includes("job wait")) return "(sleep 0.2; queuectl start --drain) &";
  if (example.includes("job cancel")) return "queuectl dlq retry 3f2a";
  if (example.includes("storage backup")) return "rm -r ~/backups/queue-monday";
  return "";
}

interface World {
  shell(script: string): Promise<{ code: number; text: string }>;
  stop(): Promise<void>;
}

/** Completions are shell code of that shell. */
function wantsBash(script: string): boolean {
  return script.includes("bash");
}

/** Runs a block in one shell, such that what each step prints can be told apart. */
async function runBlock(world: World, { line, steps }: Block): Promise<void> {
  const cut = "\u001e";
  const script = steps.map((step) => `${step.script}\nprintf '${cut}'\n`).join("");
  const { code, text } = await world.shell(script);
  assertEquals(code, 0, `README.md:${line}: exit code ${code} after\n${text.replaceAll(cut, "")}`);
  const parts = text.split(cut);
  steps.forEach(({ printed }, i) => {
    if (printed === undefined) return;
    const message = `README.md:${line}: it says\n${printed.join("\n")}\nbut prints\n${parts[i]}`;
    assert(endsWith(parts[i]!, printed), message);
  });
}

async function makeWorld(dir: string): Promise<World> {
  for (const name of ["bin", "home", "here"]) Deno.mkdirSync(`${dir}/${name}`);
  putOnPath(`${dir}/bin`, programUnderTest());
  await putStubs(`${dir}/bin`);
  const env = cleanEnvironment({
    HOME: `${dir}/home`,
    PATH: `${dir}/bin:${Deno.env.get("PATH") ?? ""}`,
    // Deno's own folder lies under the home that is not to be touched.
    DENO_DIR: await denoDir(),
    TZ: "UTC",
    NO_COLOR: "1",
    SHELL: "/bin/bash",
  });
  delete env.XDG_DATA_HOME;
  delete env.XDG_CONFIG_HOME;
  const shell = async (script: string) => {
    const program = wantsBash(script) ? "bash" : "/bin/sh";
    const { code, stdout } = await new Deno.Command(program, {
      args: ["-euc", `exec 2>&1\n${script}`],
      cwd: `${dir}/here`,
      clearEnv: true,
      env,
      stdin: "null",
    }).output();
    return { code, text: new TextDecoder().decode(stdout) };
  };
  const stop = async () => {
    await shell("queuectl stop --force; cd ~; queuectl stop --force");
  };
  return { shell, stop };
}

async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

const PROGRAM = "#!/bin/sh\necho 'queuectl 0.0.0 (a stub)'\n";

async function putStubs(bin: string): Promise<void> {
  const put = (name: string, script: string) =>
    Deno.writeTextFileSync(`${bin}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const sum = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(PROGRAM)),
  );
  const hex = Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
  Deno.writeTextFileSync(
    `${bin}/SHA256SUMS`,
    TARGETS.map(({ file }) => `${hex}  ${file}\n`).join(""),
  );
  Deno.writeTextFileSync(`${bin}/program`, PROGRAM);
  // Of the options only those that say where to: the content depends on the address.
  put(
    "curl",
    `to=; while [ $# -gt 0 ]; do case $1 in
       -o) to=$2; shift ;; -*O*) named=1 ;; --connect-timeout | --retry) shift ;; -*) ;; *) url=$1 ;;
     esac; shift; done
     [ -z "\${named-}" ] || to=\${url##*/}
     [ -n "$to" ] || to=/dev/stdout
     case $url in
       */install.sh) cat '${ROOT}scripts/install.sh' ;; */SHA256SUMS) cat '${bin}/SHA256SUMS' ;;
       */queuectl-*) cat '${bin}/program' ;; */gone*) echo 'curl: (22) 404' >&2; exit 22 ;; *) echo "$url" ;;
     esac >"$to"`,
  );
  // Only tasks that deno.json has can be called.
  put(
    "npx",
    `[ "$1 $2 $3" = "-y deno@2.9.6 task" ] && grep -q "^    \\"$4\\": " '${ROOT}deno.json' || { echo "npx $*" >&2; exit 1; }`,
  );
  put("make", `[ -f Makefile ] && echo "make: Nothing to be done for 'all'."`);
  put("git", `[ "$1" = clone ] && mkdir "$(basename "$2")"`);
  put(
    "ffmpeg",
    `while [ $# -gt 1 ]; do [ "$1" != -i ] || [ -f "$2" ] || exit 1; shift; done; echo "made $1" | tee "$1"`,
  );
  put(
    "crontab",
    `case \${1-} in -l) cat "$HOME/crontab" 2>/dev/null ;; *) cat >"$HOME/crontab" ;; esac`,
  );
  for (const name of ["systemctl", "loginctl", "journalctl", "launchctl", "rsync"]) {
    put(name, `echo "$*" >>"$HOME/${name}.calls"`);
  }
}
