// Real processes in tests: whether one lives, and the end of one that a test has started.

/** Whether a process with that id lives; one that only waits to be collected does not. */
export function lives(pid: number): boolean {
  if (Deno.build.os === "linux") {
    try {
      return !/^.*\) [ZX] /s.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
    } catch {
      return false;
    }
  }
  const { stdout } = new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] })
    .outputSync();
  return /^\s*[^Z\s]/.test(new TextDecoder().decode(stdout));
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
