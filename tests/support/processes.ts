// Real processes in tests: whether one lives, and the end of one that a test has started.

/** Whether a process with that id lives. */
export function lives(pid: number): boolean {
  const script = `kill -0 "$1" 2>/dev/null && case $(ps -o stat= -p "$1") in Z*|"") exit 1; esac`;
  return new Deno.Command("/bin/sh", { args: ["-c", script, "sh", String(pid)] }).outputSync().success;
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
