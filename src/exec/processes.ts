// Lists the processes of this machine, through a shell that reads /proc or calls `ps`: Deno itself
// may not read /proc unless it has all permissions. Sends no signals.

import type { ProcessIdentity } from "./journal.ts";
import { pause } from "./timer.ts";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its process group. */
  readonly group: number;
  /** Its session on Linux; on other systems its process group. */
  readonly session: number;
  /** As in `ProcessIdentity`. */
  readonly start: string;
  /** Whether its environment contains the text that was looked for; false if it can't be read. */
  readonly isMarked: boolean;
}

/** The process id that stands for a missing shell. */
export const NO_PROCESS = 0;

const hasProc = Deno.build.os === "linux";

/** The result of one look at all processes. */
export interface Look {
  /** All processes, without zombies. */
  readonly processes: readonly Process[];
  /**
   * Whether some ended during the look. In a chain of processes that each start the next one and
   * end, a look may see none: one has ended already, and the next is too new.
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

/** There is always at least one process: the one that looks. */
function orThrow<T extends unknown[]>(processes: T): T {
  if (processes.length === 0) throw new Error("Cannot list the processes of this machine");
  return processes;
}

// Prints how many there are, which of them are marked, and what they are, in this order, so that
// one that ends meanwhile shows as missing. If `cat` or `grep` is missing it uses only builtins,
// which takes longer since a shell reads byte by byte. `read` leaves out the NUL characters of an
// environment.
const LIST_PROC =
  `cd /proc||exit;mark=$1;if command -v cat&&command -v grep;then has=1;else has=;fi >/dev/null;` +
  `set -- [0-9]*;echo $#;echo '#';` +
  `if [ "$has" ];then grep -lF -e "$mark" $(printf '%s/environ ' "$@");else for p;do ` +
  `while read -r l||[ "$l" ];do case $l in *"$mark"*)echo $p;break;;esac;done <$p/environ;done;` +
  `fi 2>/dev/null;printf '\n#\n';` +
  `if [ "$has" ];then cat $(printf '%s/stat ' "$@");else for p;do ` +
  `while read -r l||[ "$l" ];do printf '%s\n' "$l";done <$p/stat;done;fi 2>/dev/null`;

/**
 * Whether exactly this process lives.
 * @throws Error if that can't be found out; a wrong `false` would run a job twice
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

// Only builtins, so that it works when no more processes can be started.
const LOOK_PROC = `b=-;read -r b </proc/sys/kernel/random/boot_id;echo "$b";` +
  `read -r s <"/proc/$1/stat"&&printf '%s\\n' "$s";echo end`;
const LOOK_PS =
  `echo -;LC_ALL=C ps -o pid=,ppid=,pgid=,stat=,lstart= -p "$1";[ $? -gt 1 ]||echo end`;

/**
 * What can be seen of a process from here. `near`: it can be found by its process id. `gone`: the
 * machine has been restarted since. `walled`: it is in another PID namespace of this machine, such
 * as another container. `far`: it was started on another machine.
 */
export type Sight = "near" | "gone" | "walled" | "far";

/**
 * What can be seen of a process from here. Parts of its identity that are not known count as the
 * same.
 */
export async function sightOf({ boot, namespace, host }: ProcessIdentity): Promise<Sight> {
  const [ownBoot, ownNamespace, ownHost] = await (here ??= whereWeAre());
  const isSame = (one: string, other: string) => one === "-" || other === "-" || one === other;
  if (boot !== "-" && boot !== ownBoot) return isSame(host, ownHost) ? "gone" : "far";
  if (boot === "-") return isSame(host, ownHost) ? "near" : "far";
  return isSame(namespace, ownNamespace) ? "near" : "walled";
}

/** Kept, since it does not change while this process lives. */
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

/**
 * Milliseconds to wait for the other end of a pipe. If somebody has it open, opening succeeds at
 * once. Where it takes longer all the same, the answer is found in another way.
 */
const KNOCKING = 1000;

/**
 * Whether any process, in any namespace, has a named pipe open for reading; undefined if there is
 * no such pipe.
 */
export async function isHeld(pipe: string): Promise<boolean | undefined> {
  try {
    return (await Deno.stat(pipe)).isFifo === true ? await hasReader(pipe) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Opening a pipe for writing waits for a reader. */
async function hasReader(pipe: string): Promise<boolean> {
  // Not in a child process: if this one were killed, the child would wait for ever.
  let isOpen = false;
  const writing = Deno.open(pipe, { write: true }).finally(() => isOpen = true);
  await pause(KNOCKING, writing);
  if (isOpen) {
    (await writing).close();
    return true;
  }
  // A reader of our own ends the wait. What is then written shows whether it was the only one: this
  // process may have been suspended, or the machine too busy to open the pipe in time.
  const reading = await Deno.open(pipe);
  const file = await writing;
  reading.close();
  try {
    await file.write(new Uint8Array(1));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return false;
    throw error;
  } finally {
    file.close();
  }
}

/**
 * Parses the text of many /proc/PID/stat files. The name in brackets may contain anything, even
 * line breaks, so at least 40 numbers must follow it.
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

/**
 * Parses lines of pid, parent, process group, state and start time (`Tue Nov  4 09:00:00 2025`).
 */
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

/** What the script prints. The exit code is ignored, since processes come and go while it looks. */
export async function output(script: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", ...args],
    ...alone(),
  }).output();
  return new TextDecoder().decode(stdout);
}

/**
 * Options for such a shell, with a cleared environment: shell functions in it could change what the
 * script does.
 */
export function alone() {
  return {
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin" },
    stdin: "null",
    stderr: "null",
  } as const;
}
