// Processes that a script has started, found by an environment variable that only they have, and by
// ids that are known. Needs /proc.

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

/** Processes that have this entry in their environment, but for those that have ended. */
export function processesWith(entry: string): Process[] {
  const found: Process[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    if (!hasEntry(pid, entry)) continue;
    const process = processOf(pid);
    if (process !== undefined) found.push(process);
  }
  return found;
}

export function hasEntry(pid: number, entry: string): boolean {
  try {
    return `\0${Deno.readTextFileSync(`/proc/${pid}/environ`)}`.includes(`\0${entry}\0`);
  } catch {
    return false; // gone, or somebody else's
  }
}

function processOf(pid: number): Process | undefined {
  try {
    const [, state = "", parent = ""] = /^\d+ \([^]*\) (\S) (\d+)/.exec(
      Deno.readTextFileSync(`/proc/${pid}/stat`),
    ) ?? [];
    if (state === "" || state === "Z" || state === "X") return undefined;
    const command = Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
    return { pid, parent: Number(parent), state, command };
  } catch {
    return undefined;
  }
}

/** Whether a signal could be sent. */
export function signal(pid: number, name: Deno.Signal): boolean {
  if (!(pid > 1)) return false;
  try {
    Deno.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** Kills all processes that have this entry in their environment. */
export function killAllWith(entry: string): void {
  // What is forked meanwhile is found the second time.
  for (let n = 0; n < 2; n++) for (const { pid } of processesWith(entry)) signal(pid, "SIGKILL");
}
