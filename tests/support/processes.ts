// Real processes in tests: whether one lives or is stopped, and the end of one that a test has started.

/** Whether a process with that id lives; one that only waits to be collected does not. */
export function lives(pid: number): boolean {
  return /^[^ZX]/.test(stateOf(pid));
}

/** Whether a process lives, and was stopped by a signal. */
export function isStopped(pid: number): boolean {
  return stateOf(pid).startsWith("T");
}

/** What `ps` calls its state, a letter and perhaps more; nothing if there is no such process. */
function stateOf(pid: number): string {
  if (Deno.build.os === "linux") {
    // A small Linux has no `ps`.
    try {
      return Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "");
    } catch {
      return "";
    }
  }
  const { stdout } = new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] })
    .outputSync();
  return new TextDecoder().decode(stdout).trim();
}

/** Kills a process if it lives. */
export function end(pid: number): void {
  // 0 would be this process and its whole group.
  if (!(pid > 1)) return;
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/** The number in a file that another process writes, once it is whole. */
export function numberIn(path: string): number {
  try {
    const text = Deno.readTextFileSync(path);
    return text.endsWith("\n") ? Number(text) : 0;
  } catch {
    return 0;
  }
}
