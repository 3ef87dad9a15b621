// Finds the shell that runs an attempt when its journal is lost: the processes of the attempt have
// the shell's process id and start time in their environment.

import { MARK, runText } from "./job_script.ts";
import type { ProcessIdentity, RunKey } from "./journal.ts";
import { listProcesses, output } from "./processes.ts";

/** The shell of a run; undefined if no process of the run can be seen from here. */
export async function findShell(run: RunKey): Promise<ProcessIdentity | undefined> {
  const mark = `${MARK}=${runText(run)}`;
  const { processes } = await listProcesses(mark);
  for (const { pid } of processes.filter(({ isMarked }) => isMarked)) {
    const [boot = "-", ...lines] = (await output(ENVIRONMENT, String(pid))).split("\n");
    const environment = lines.join("\n");
    const at = environment.indexOf(mark);
    const [, shell, start] = /^(\d+)\.(\d+)\./.exec(environment.slice(at + mark.length)) ?? [];
    if (at < 0 || shell === undefined || start === undefined) continue; // it has ended meanwhile
    return { pid: Number(shell), boot, start, namespace: "-", host: "-" };
  }
  return undefined;
}

// Uses only builtins. `read` leaves out the NUL characters.
const ENVIRONMENT = `b=-;read -r b </proc/sys/kernel/random/boot_id;echo "$b";` +
  `while read -r l||[ "$l" ];do printf '%s\\n' "$l";done <"/proc/$1/environ"`;
