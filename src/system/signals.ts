// Signals that this process gets. Sends none to others.

/**
 * Which of these signals (without `SIG`) this process was started to ignore: `nohup` does so with
 * HUP, a script with INT for what it starts by `&`. A signal so ignored has to stay so, but Deno
 * takes it up with the first listener to any signal, and does not tell. A child inherits it: one
 * that survives the signal tells. Call it before the first listener.
 */
export async function ignoredSignals(names: readonly string[]): Promise<Set<string>> {
  if (Deno.build.os === "windows") return new Set();
  const script = 'for s;do /bin/sh -c "kill -$s \\$\\$;echo $s";done';
  try {
    const { stdout } = await new Deno.Command("/bin/sh", {
      args: ["-c", script, "sh", ...names],
      clearEnv: true, // a shell may take a function `kill` out of it
      stdin: "null",
      stderr: "null",
    }).output();
    return new Set(new TextDecoder().decode(stdout).split("\n").filter((name) => name !== ""));
  } catch {
    return new Set(); // no process can be started for the moment: the usual case is the likely one
  }
}
