// Finds out which signals this process ignores.

/**
 * Which of these signals (without `SIG`) were ignored when this process was started: `nohup`
 * ignores HUP, and a script ignores INT for what it starts with `&`. Such a signal has to stay
 * ignored, but Deno handles it from the first listener to any signal on, and does not tell.
 * Children inherit ignored signals, so a child that survives the signal tells. Call this before the
 * first listener is added.
 */
export async function ignoredSignals(names: readonly string[]): Promise<Set<string>> {
  if (Deno.build.os === "windows") return new Set();
  const script = 'for s;do /bin/sh -c "kill -$s \\$\\$;echo $s";done';
  try {
    const { stdout } = await new Deno.Command("/bin/sh", {
      args: ["-c", script, "sh", ...names],
      clearEnv: true, // it may contain a shell function named `kill`
      stdin: "null",
      stderr: "null",
    }).output();
    return new Set(new TextDecoder().decode(stdout).split("\n").filter((name) => name !== ""));
  } catch {
    return new Set(); // no process can be started now, so assume the usual case
  }
}
