// The port for workers and supervisors: which of them live, and how one takes the place of a dead
// one.

/** A worker or supervisor as others see it. */
export interface WorkerInfo {
  readonly name: string;
  /** 0 if it has not announced itself yet, or its record can't be read. */
  readonly pid: number;
  readonly host: string;
  readonly startedAt: number;
  /** The time of its last heartbeat. A suspended process (SIGSTOP) lives, but sends none. */
  readonly lastSeenAt: number;
  /** For a supervisor: whether one of its workers has started. */
  readonly ready: boolean;
  /** Whether it has died, and another worker holds its name until its jobs have ended. */
  readonly rescued?: boolean;
  /** Whether it runs on another host, where no signal from here reaches it. */
  readonly isElsewhere?: boolean;
}

/** What a worker or supervisor announces about itself. */
export type WorkerIdentity = Pick<WorkerInfo, "pid" | "host" | "startedAt"> & {
  readonly ready?: boolean;
};

/**
 * Whether a name is valid for a worker: safe in file names, and not reserved for commands or
 * supervisors.
 */
export function isWorkerName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name) && !/^(?:cli|supervisor)-/.test(name);
}

/**
 * The lock of a worker or supervisor on its name. It lasts until `leave`, `abandon` or the end of
 * the process.
 */
export interface WorkerLock {
  readonly name: string;

  /** Records its identity, for others to see. */
  announce(identity: WorkerIdentity): Promise<void>;

  /**
   * Shows that it lives.
   * @throws QueueError `claim_lost` if another process has taken the name
   */
  heartbeat(): Promise<void>;

  /** Releases the lock, and leaves everything as it is for whoever takes the name next. */
  abandon(): Promise<void>;

  /** Releases the lock and removes all traces of the name. Only if it holds no job. */
  leave(): Promise<void>;
}

/** `SIGTERM` asks to stop, a second one by force; `SIGCONT` resumes a suspended process. */
export type EndingSignal = "SIGTERM" | "SIGCONT" | "SIGKILL";

export interface Workers {
  /**
   * Takes the first free name: `wanted`, then `wanted` with -2, -3, …; or `worker-1`, `worker-2`, …
   * if no name is wanted. The name of a dead worker is free, and its jobs come with it. Requests to
   * the previous holder are cleared.
   *
   * @param avoid names not to take
   *
   * @throws QueueError `refused` while a backup is restored
   */
  join(wanted: string | undefined, avoid?: ReadonlySet<string>): Promise<WorkerLock>;

  /**
   * Takes the supervisor name for this process id.
   * @throws as `join`
   */
  joinAsSupervisor(pid: number): Promise<WorkerLock>;

  /** The live workers, sorted by name. */
  live(): Promise<WorkerInfo[]>;

  /** The live supervisors. */
  liveSupervisors(): Promise<WorkerInfo[]>;

  /** The live process that has this name; undefined if there is none. */
  find(name: string): Promise<WorkerInfo | undefined>;

  /** The names of workers that died and left something behind. Some may turn out to live. */
  dead(): Promise<string[]>;

  /**
   * Takes the place of a dead worker. May take seconds, if its death has to be confirmed.
   *
   * @returns undefined if it lives, if another process takes its place, or if `signal` aborts
   */
  takeOver(name: string, signal?: AbortSignal): Promise<WorkerLock | undefined>;

  /**
   * Sends a signal to the supervisors and workers on this host with these names.
   *
   * @returns the names of those that got the signal
   */
  signal(names: readonly string[], signal: EndingSignal): Promise<string[]>;
}

/** Whether a name belongs to a supervisor. */
export function isSupervisorName(name: string): boolean {
  return /^supervisor-\d+(?:-\d+)?$/.test(name);
}

/** The name of the supervisor with this process id. */
export function supervisorName(pid: number): string {
  return `supervisor-${pid}`;
}

/** Whether a worker or supervisor lives, on any host. */
export async function anyWorks(workers: Workers): Promise<boolean> {
  return [...await workers.live(), ...await workers.liveSupervisors()].length > 0;
}
