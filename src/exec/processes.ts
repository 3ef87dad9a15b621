// Looks at the processes of this machine, through `cat /proc/…` or `ps`: Deno itself may not read
// /proc unless it is granted everything. Signals none.

import type { ProcessIdentity } from "./journal.ts";

export interface Process {
  readonly pid: number;
  /**
   * Its session on Linux, which is what a job can leave only on purpose; elsewhere its process
   * group.
   */
  readonly session: number;
  /** As in `ProcessIdentity`. */
  readonly start: string;
}

/** Stands for the shell where there is none. */
export const NO_PROCESS = 0;

const hasProc = Deno.build.os === "linux";

/** All processes but those that have ended and only wait to be collected. Takes some 2 ms. */
export async function listProcesses(): Promise<Process[]> {
  const list = hasProc
    ? parseStats(await output("cd /proc&&cat [0-9]*/stat"))
    : parsePs(await output("LC_ALL=C ps -A -o pid=,pgid=,stat=,lstart="));
  // The one that looks is always there.
  if (list.length === 0) throw new Error("Cannot list the processes of this machine");
  return list;
}

/**
 * Whether that very process lives. @throws Error if that cannot be found out; a wrong no would run
 * a job twice
 */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  if (identity.pid === NO_PROCESS) return false;
  const [boot, ...rest] = (await output(hasProc ? LOOK_PROC : LOOK_PS, String(identity.pid))).split(
    "\n",
  );
  if (rest.at(-2) !== "end") {
    throw new Error(`Cannot find out whether process ${identity.pid} lives`);
  }
  const found = rest.slice(0, -2).join("\n");
  return boot === identity.boot && (hasProc ? parseStats(found) : parsePs(found)).some(same);

  function same(process: Process): boolean {
    return process.pid === identity.pid && process.start === identity.start;
  }
}

// With builtins alone, so that it works when no more processes can be started.
const LOOK_PROC = `b=-;read -r b </proc/sys/kernel/random/boot_id;echo "$b";` +
  `read -r s <"/proc/$1/stat"&&printf '%s\\n' "$s";echo end`;
const LOOK_PS = `echo -;LC_ALL=C ps -o pid=,pgid=,stat=,lstart= -p "$1";[ $? -gt 1 ]||echo end`;

/**
 * Whether the machine has not been started anew since; only then can its process ids mean what they
 * meant.
 */
export async function isSameBoot({ boot }: ProcessIdentity): Promise<boolean> {
  return boot === "-" || (await output("cat /proc/sys/kernel/random/boot_id")).trim() === boot;
}

/**
 * The environment, as `NAME=value`, with which each process was started; empty where it cannot be
 * read.
 */
export async function environments(pids: readonly number[]): Promise<Map<number, string[]>> {
  const found = new Map<number, string[]>(pids.map((pid) => [pid, []]));
  if (!hasProc || pids.length === 0) return found;
  const script = `for pid;do printf '\\0=%s\\0' "$pid";cat "/proc/$pid/environ";done`;
  let entries: string[] = [];
  for (const entry of (await output(script, ...pids.map(String))).split("\0")) {
    if (entry.startsWith("=")) entries = found.get(Number(entry.slice(1))) ?? [];
    else if (entry !== "") entries.push(entry);
  }
  return found;
}

/**
 * Reads the text of many /proc/PID/stat. The name, in brackets, may hold anything, even line
 * breaks; so 40 numbers must follow.
 */
export function parseStats(text: string): Process[] {
  const record = /^(\d+) \([^]{0,64}?\) (\S) -?\d+ -?\d+ (-?\d+)((?: -?\d+){40,})$/gm;
  return Array.from(text.matchAll(record)).flatMap(([, pid, state, session, rest = ""]) =>
    // The session is field 6, the start time field 22.
    state === "Z" || state === "X"
      ? []
      : [{ pid: Number(pid), session: Number(session), start: rest.split(" ")[16] ?? "" }]
  );
}

/** Reads lines of pid, process group, state and start time (`Tue Nov  4 09:00:00 2025`). */
export function parsePs(text: string): Process[] {
  return text.split("\n").flatMap((line) => {
    const [pid, group, state = "Z", ...start] = line.trim().split(/\s+/);
    return state.startsWith("Z")
      ? []
      : [{ pid: Number(pid), session: Number(group), start: start.join("_") }];
  });
}

/** What the script prints, whatever its exit code: processes come and go while it looks. */
async function output(script: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", ...args],
    stdin: "null",
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}
