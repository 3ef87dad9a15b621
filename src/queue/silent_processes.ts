// Messages about workers and supervisors that do not answer.

/** A live process; `pid` is 0 if its record could not be read. */
interface Process {
  readonly name: string;
  readonly pid: number;
  readonly host: string;
}

/** Names a process, with its process id and host if they are known. */
export function whoIs({ name, pid, host }: Process): string {
  return pid === 0 ? name : `${name} (process ${pid} on ${host})`;
}

/** What to do about processes that do not answer, for example because they are suspended. */
export function wakeHint(silent: readonly Process[]): string {
  const pids = silent.map(({ pid }) => pid).filter((pid) => pid !== 0).join(" ");
  const end = "queuectl stop --force ends it";
  return pids === "" ? end : `It may be suspended: kill -CONT ${pids} resumes it; ${end}`;
}
