// Builds the programs for download: dist/queuectl-<os>-<arch>, and SHA256SUMS, by `deno task build
// [--target NAME|all]`. They are made from a bundle, which starts faster than separate modules and
// contains only what the program imports. The bundle is split at lazy imports, since in one file
// every start would parse every command. CPU time of `list` relative to an empty compiled program,
// measured alternately in one run: split 1.28, one file 1.45, separate modules 1.54. It is not
// minified, which would save 3 % of this but lose the names in stack traces.
import { PERMISSION_FLAGS } from "../src/system/permissions.ts";
import { ENGINE_FLAG, pathOfUrl } from "../src/system/self.ts";
import { hostTarget, type Target, targetsFrom } from "./targets.ts";

const ROOT = pathOfUrl(new URL("..", import.meta.url).href).replace(/\/$/, "");
const DIST = `${ROOT}/dist`;
const STARTS = 10;
/**
 * The bundler writes where each module came from. Paths of this machine must not be in a release.
 */
const CACHE_PATH = /^\/\/ \S*\/npm\/[^\s/]+\//gm;

/** An expected failure, reported in two lines. Any other error is a bug. */
class BuildError extends Error {}

async function build(args: readonly string[]): Promise<void> {
  const targets = targetsFrom(args);
  if (typeof targets === "string") throw new BuildError(targets);
  if (Deno.env.has("DENORT_BIN") && targets.length > 1) {
    throw new BuildError(
      "$DENORT_BIN is the runtime of one platform\nBuild one target at a time with it",
    );
  }
  const temp = await Deno.makeTempDir({ prefix: "queuectl-build-" });
  try {
    await bundle(temp, { version: await configuredVersion(), commit: await commit() });
    await Deno.mkdir(DIST, { recursive: true });
    for (const target of targets) {
      await compile(temp, target);
      await describe(target);
    }
    await Deno.writeTextFile(`${DIST}/SHA256SUMS`, await checksums());
  } finally {
    await Deno.remove(temp, { recursive: true });
  }
}

async function bundle(temp: string, build: { version: string; commit: string }): Promise<void> {
  const args = ["bundle", "--quiet", "--code-splitting", "--outdir", temp, "main.ts"];
  const { code, stderr } = await run(Deno.execPath(), args);
  if (code !== 0) throw new BuildError(`Cannot bundle main.ts\n${stderr}`);
  let told = false;
  for await (const { name } of Deno.readDir(temp)) {
    let text = (await Deno.readTextFile(`${temp}/${name}`)).replace(CACHE_PATH, "// npm:");
    if (text.includes("QUEUECTL_BUILD")) {
      text = `const QUEUECTL_BUILD = ${JSON.stringify(build)};\n${text}`;
      told = true;
    }
    await Deno.writeTextFile(`${temp}/${name}`, text);
  }
  if (!told) throw new BuildError("The bundle has no src/version.ts\nmain.ts must use it");
}

async function compile(temp: string, { triple, name, file }: Target): Promise<void> {
  const partial = `${DIST}/${file}.partial`;
  const { code, stderr } = await run(Deno.execPath(), [
    "compile",
    "--quiet",
    ...["--no-config", "--no-lock", "--no-npm", "--no-remote", "--no-check"],
    // It gains nothing here, and its file in the shared temporary folder has a predictable name
    // that another user could take first.
    "--no-code-cache",
    ...PERMISSION_FLAGS,
    ENGINE_FLAG,
    ...["--target", triple, "--output", partial],
    `${temp}/main.js`,
  ], temp);
  if (code !== 0) throw new BuildError(whyNotCompiled(name, stderr));
  // Deno appends `.exe` for Windows.
  const made = await exists(partial) ? partial : `${partial}.exe`;
  await Deno.rename(made, `${DIST}/${file}`);
}

/** Two lines if Deno's runtime is missing, otherwise Deno's whole message. */
export function whyNotCompiled(target: string, stderr: string): string {
  // deno-lint-ignore no-control-regex -- colours
  const plain = stderr.replace(/\x1b\[[0-9;]*m/g, "").trim();
  if (!/denort|DENORT_BIN|Setting up base binary/.test(plain)) {
    return `Cannot compile ${target}\n${plain}`;
  }
  return `Cannot compile ${target}: Deno's runtime denort ${Deno.version.deno} could not be had\n` +
    "Run this where Deno can download it, or name its file in $DENORT_BIN";
}

async function describe({ name, file }: Target): Promise<void> {
  const { size } = await Deno.stat(`${DIST}/${file}`);
  const start = name === hostTarget()?.name
    ? `  starts in ${await startUpTime(`${DIST}/${file}`)} ms`
    : "";
  say(`dist/${file}  ${(size / 1e6).toFixed(1)} MB${start}`);
}

/** The fastest of several starts, in milliseconds, since disturbances only make a start slower. */
async function startUpTime(program: string): Promise<string> {
  let least = Infinity;
  for (let i = 0; i < STARTS; i++) {
    const begin = performance.now();
    const { code, stderr } = await run(program, ["--version"]);
    if (code !== 0) throw new BuildError(`The program that was built does not start\n${stderr}`);
    least = Math.min(least, performance.now() - begin);
  }
  return least.toFixed(0);
}

/** In the format of sha256sum, for every program in dist. */
async function checksums(): Promise<string> {
  const names = await Array.fromAsync(Deno.readDir(DIST), ({ name }) => name);
  const programs = names.filter((name) => /^queuectl-[a-z0-9-]+(?:\.exe)?$/.test(name)).sort();
  const lines = programs.map(async (name) => {
    const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${DIST}/${name}`));
    return `${new Uint8Array(hash).toHex()}  ${name}\n`;
  });
  return (await Promise.all(lines)).join("");
}

async function configuredVersion(): Promise<string> {
  return JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`)).version;
}

/** The commit that is built, with `+` if its files were changed. */
async function commit(): Promise<string> {
  const head = await run("git", ["rev-parse", "--short=12", "HEAD"]);
  if (head.code !== 0) return "unknown commit";
  const changes = await run("git", ["status", "--porcelain", "--untracked-files=no"]);
  return head.stdout.trim() + (changes.stdout === "" ? "" : "+");
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function run(program: string, args: readonly string[], cwd: string = ROOT) {
  const output = await new Deno.Command(program, { args: [...args], cwd, stdin: "null" }).output();
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}

function say(line: string, to: { writeSync(bytes: Uint8Array): number } = Deno.stdout): void {
  to.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  try {
    await build(Deno.args);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    say(error.message, Deno.stderr);
    Deno.exit(1);
  }
}
