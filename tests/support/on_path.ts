// Which programs this machine has: a test that needs another than a shell and coreutils is skipped
// where it is missing.

export function onPath(program: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(Deno.build.os === "windows" ? ";" : ":").some((dir) => {
    try {
      return Deno.statSync(`${dir}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}
