// Looks at the processes of this machine, through a shell that reads /proc or calls `ps`: Deno
// itself may not read /proc unless it is granted everything. Signals none.

import type { ProcessIdentity } from "./journal.ts";
import { pause } from "./timer.ts";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its process group. */
  readonly group: number;
  /** Its session on Linux; elsewhere its process group. */
  readonly session: number;
  /** As in `ProcessIdentity`. */
  readonly start: string;
  /** Whether its environment holds the text that was looked for; false where it can't be read. */
  readonly isMarked: boolean;
}

/** Stands for the shell where there is none. */
export const NO_PROCESS = 0;

const hasProc = Deno.build.os === "linux";

/** What one look has found. */
export interface Look {
  /** All processes but those that have ended and only wait to be collected. */
  readonly processes: readonly Process[];
  /**
   * Whether some ended while we looked. Of a chain of processes that start the next one and end,
   * one look may see none: the one that was there has ended, the next is too new.
   */
  readonly isBlurred: boolean;
}

/**
 * Looks at all processes. Takes some 5 ms.
 * @param mark a text to look for in their environments
 */
export async function listProcesses(mark: string): Promise<Look> {
  if (!hasProc) {
    const processes = parsePs(await output("LC_ALL=C ps -A -o pid=,ppid=,pgid=,stat=,lstart="));
    return { processes: orThrow(processes), isBlurred: false };
  }
  const [count = "", marked = "", stats = ""] = (await output(LIST_PROC, mark)).split("\n#\n");
  const pids = new Set(Array.from(marked.matchAll(/^\d+/gm), ([pid]) => Number(pid)));
  const processes = parseStats(stats);
  return {
    processes: orThrow(processes.map((one) => ({ ...one, isMarked: pids.has(one.pid) })))
      .filter(({ state }) => state !== "Z" && state !== "X"),
    isBlurred: processes.length < Number(count),
  };
}

/** The one that looks is always there. */
function orThrow<T extends unknown[]>(processes: T): T {
  if (processes.length === 0) throw new Error("Cannot list the processes of this machine");
  return processes;
}

// How many there are, which of them are marked, and what they are, in this order: so one that ends
// meanwhile is missed. With builtins alone where the programs are missing, which takes longer: a
// shell reads byte by byte. `read` leaves out the NUL characters of an environment.
const LIST_PROC =
  `cd /proc||exit;mark=$1;if command -v cat&&command -v grep;then has=1;else has=;fi >/dev/null;` +
  `set -- [0-9]*;echo $#;echo '#';` +
  `if [ "$has" ];then grep -lF -e "$mark" $(printf '%s/environ ' "$@");else for p;do ` +
  `while read -r l||[ "$l" ];do case $l in *"$mark"*)echo $p;break;;esac;done <$p/environ;done;` +
  `fi 2>/dev/null;printf '\n#\n';` +
  `if [ "$has" ];then cat $(printf '%s/stat ' "$@");else for p;do ` +
  `while read -r l||[ "$l" ];do printf '%s\n' "$l";done <$p/stat;done;fi 2>/dev/null`;

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
  const found = rest.slice(0, -2).join("\n") + "\n";
  return boot === identity.boot && (hasProc ? parseStats(found) : parsePs(found)).some(same);

  function same(process: { pid: number; start: string; state?: string }): boolean {
    return process.pid === identity.pid && process.start === identity.start &&
      !"ZX".includes(process.state ?? "-");
  }
}

// With builtins alone, so that it works when no more processes can be started.
const LOOK_PROC = `b=-;read -r b </proc/sys/kernel/random/boot_id;echo "$b";` +
  `read -r s <"/proc/$1/stat"&&printf '%s\\n' "$s";echo end`;
const LOOK_PS =
  `echo -;LC_ALL=C ps -o pid=,ppid=,pgid=,stat=,lstart= -p "$1";[ $? -gt 1 ]||echo end`;

/**
 * What can be seen of a process from here. `near`: it has its number here, if it lives. `gone`: the
 * machine was started anew since. `walled`: it belongs to another PID namespace of this machine, as
 * in another container. `far`: it was started on another machine.
 */
export type Sight = "near" | "gone" | "walled" | "far";

/** How a process is seen from here. What is not known of it is taken to be as here. */
export async function sightOf({ boot, namespace, host }: ProcessIdentity): Promise<Sight> {
  const [ownBoot, ownNamespace, ownHost] = await (here ??= whereWeAre());
  const isSame = (one: string, other: string) => one === "-" || other === "-" || one === other;
  if (boot !== "-" && boot !== ownBoot) return isSame(host, ownHost) ? "gone" : "far";
  if (boot === "-") return isSame(host, ownHost) ? "near" : "far";
  return isSame(namespace, ownNamespace) ? "near" : "walled";
}

/** Does not change while this process lives. */
let here: Promise<[string, string, string]> | undefined;

async function whereWeAre(): Promise<[string, string, string]> {
  try {
    const [boot, namespace, host] = (await output(WHERE)).trim().split(" ");
    if (boot && namespace && host) return [boot, namespace, host];
    throw new Error("Cannot find out which machine this is");
  } catch (error) {
    here = undefined;
    throw error;
  }
}

const WHERE = `b=-;read -r b </proc/sys/kernel/random/boot_id;n=$(readlink /proc/$$/ns/pid);` +
  `h=$(uname -n);echo "\${b:--} \${n:--} \${h:--}"`;

/** Milliseconds after which nobody has the other end of a pipe. It is there at once, or never. */
const KNOCKING = 3000;

/**
 * Whether somebody holds a named pipe open for reading, in whatever namespace; undefined if there
 * is no such pipe.
 */
export async function isHeld(pipe: string): Promise<boolean | undefined> {
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", `[ -p "$0" ]||exit 3;exec 4>"$0"`, pipe],
    ...alone(),
    stdout: "null",
  }).spawn();
  // The opening waits for a reader.
  await pause(KNOCKING, child.status);
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended.
  }
  const { code, signal } = await child.status;
  return code === 3 ? undefined : signal === null && code === 0;
}

/**
 * Reads the text of many /proc/PID/stat. The name, in brackets, may hold anything, even line
 * breaks; so 40 numbers must follow.
 */
export function parseStats(text: string): (Omit<Process, "isMarked"> & { state: string })[] {
  const record = /^(\d+) \([^]{0,64}?\) (\S) (-?\d+) (-?\d+) (-?\d+)((?: -?\d+){40,})$/gm;
  return Array.from(
    text.matchAll(record),
    ([, pid, state = "", parent, group, session, rest = ""]) => ({
      pid: Number(pid),
      state,
      parent: Number(parent),
      group: Number(group),
      session: Number(session),
      // Field 22.
      start: rest.split(" ")[16] ?? "",
    }),
  );
}

/** Reads lines of pid, parent, process group, state and start (`Tue Nov  4 09:00:00 2025`). */
export function parsePs(text: string): Process[] {
  return text.split("\n").flatMap((line) => {
    const [pid, parent, group, state = "Z", ...start] = line.trim().split(/\s+/);
    return state.startsWith("Z") ? [] : [{
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: Number(group),
      start: start.join("_"),
      isMarked: false,
    }];
  });
}

/** What the script prints, whatever its exit code: processes come and go while it looks. */
export async function output(script: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", ...args],
    ...alone(),
  }).output();
  return new TextDecoder().decode(stdout);
}

/**
 * For a shell that looks: it must not take functions that change what its words mean out of the
 * environment.
 */
export function alone() {
  return {
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin" },
    stdin: "null",
    stderr: "null",
  } as const;
}
