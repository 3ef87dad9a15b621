// Which programs this machine has, for tests that need one that may be missing: then they are
// skipped, and their names say so. It looks along the PATH and starts nothing, since starting a
// missing program throws.

/** The path of a program on the PATH. Not for Windows, where programs have endings. */
export function pathOf(program: string): string | undefined {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    if (folder === "") continue;
    try {
      const { isFile, mode } = Deno.statSync(`${folder}/${program}`);
      if (isFile && (mode ?? 0) & 0o111) return `${folder}/${program}`;
    } catch {
      // Not in this folder.
    }
  }
}

/**
 * The name and `ignore` of a test that needs programs: all of them, where one entry names several
 * ("curl|wget") one of those.
 */
export function needing(programs: readonly string[], name: string): NeedingTest {
  if (Deno.build.os === "windows") return { name, ignore: true };
  const missing = programs.filter((names) => names.split("|").every((one) => !pathOf(one)));
  if (missing.length === 0) return { name, ignore: false };
  const what = missing.map((names) => names.replaceAll("|", " or ")).join(", no ");
  return { name: `${name} (skipped: no ${what} here)`, ignore: true };
}

export interface NeedingTest {
  readonly name: string;
  readonly ignore: boolean;
}
