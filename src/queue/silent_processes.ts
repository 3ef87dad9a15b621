// What is said of workers and supervisors that do not answer.

/** As one that lives is known; `pid` 0 where its record could not be read. */
interface Process {
  readonly name: string;
  readonly pid: number;
  readonly host: string;
}

/** Who it is, and where. */
export function whoIs({ name, pid, host }: Process): string {
  return pid === 0 ? name : `${name} (process ${pid} on ${host})`;
}

/** What helps where somebody has stopped such processes. */
export function wakeHint(silent: readonly Process[]): string {
  const pids = silent.map(({ pid }) => pid).filter((pid) => pid !== 0).join(" ");
  const end = "queuectl stop --force ends it";
  return pids === "" ? end : `Has somebody stopped it? kill -CONT ${pids} lets it go on; ${end}`;
}
