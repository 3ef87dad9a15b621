// A home, a folder and a PATH for shell code from the documents, with stand-ins for programs that
// may be missing or that use the network.
import { cleanEnvironment, putOnPath } from "../../scripts/on_path.ts";
import { TARGETS } from "../../scripts/targets.ts";
import { pathOfUrl } from "../../src/system/self.ts";
import { programUnderTest } from "./program.ts";

const ROOT = pathOfUrl(new URL("../..", import.meta.url).href);

export interface ShellWorld {
  /** Runs a script in the world's folder; `text` is what it prints, stderr included. */
  shell(script: string): Promise<{ code: number; text: string }>;
  /** Ends the workers that scripts have left. */
  stop(): Promise<void>;
}

/** Makes the world in an empty folder. */
export async function makeShellWorld(dir: string): Promise<ShellWorld> {
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
    // bash where a block needs it: its completions are shell code.
    const program = script.includes("bash") ? "bash" : "/bin/sh";
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

let denoFolder: Promise<string> | undefined;

function denoDir(): Promise<string> {
  return denoFolder ??= askForDenoDir();
}

async function askForDenoDir(): Promise<string> {
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
