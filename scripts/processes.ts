// Finds the processes that a script has started, by an environment variable that only they have, or
// by known ids. Needs /proc.

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

/** Live processes that have this entry in their environment. */
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

/**
 * Sends a signal.
 * @returns whether it could be sent
 */
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
  // Processes that are forked meanwhile are found the second time.
  for (let n = 0; n < 2; n++) for (const { pid } of processesWith(entry)) signal(pid, "SIGKILL");
}
