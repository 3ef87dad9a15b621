// The port for workers and supervisors: who lives, and how one takes the place of another that
// died.

/** A worker or supervisor, as others see it. */
export interface WorkerInfo {
  readonly name: string;
  /** 0 if it has not said (yet) who it is. */
  readonly pid: number;
  readonly host: string;
  readonly startedAt: number;
  /** When it last gave a sign of life; a stopped process (SIGSTOP) lives, but gives none. */
  readonly lastSeenAt: number;
  /** Of a supervisor: whether one of its workers has come up. */
  readonly ready: boolean;
  /** Whether it runs on another host, where no signal from here reaches it. */
  readonly isElsewhere?: boolean;
}

/** What a worker or supervisor says of itself. */
export type WorkerIdentity = Pick<WorkerInfo, "pid" | "host" | "startedAt"> & {
  readonly ready?: boolean;
};

/** Whether a worker may be called so: safe in file names, and no name that others use. */
export function isWorkerName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name) && !/^(?:cli|supervisor)-/.test(name);
}

/** The hold of a worker or supervisor on its name, kept until `leave`, `abandon` or death. */
export interface WorkerLock {
  readonly name: string;

  /** Writes down who this is, for others to see. */
  announce(identity: WorkerIdentity): Promise<void>;

  /**
   * Shows that it lives. @throws QueueError `claim_lost` if another has the name by now
   */
  heartbeat(): Promise<void>;

  /** Lets go, leaving all as it is for whoever takes the name next. */
  abandon(): Promise<void>;

  /** Lets go, leaving nothing behind. Only for one that holds no job. */
  leave(): Promise<void>;
}

/** `SIGTERM` asks to stop, the second one by force; `SIGCONT` wakes what was stopped. */
export type EndingSignal = "SIGTERM" | "SIGCONT" | "SIGKILL";

export interface Workers {
  /**
   * Takes the first name that is free: `wanted` itself, then with -2, -3, …; `worker-1`,
   * `worker-2`, … where none is wanted. A name whose holder died is free, and its jobs come with
   * it. Requests to an earlier holder are cleared.
   * @param avoid names that are passed over
   * @throws QueueError `refused` while a backup is restored
   */
  join(wanted: string | undefined, avoid?: ReadonlySet<string>): Promise<WorkerLock>;

  /** Takes the name of a supervisor with this process id. @throws as `join` */
  joinAsSupervisor(pid: number): Promise<WorkerLock>;

  /** The workers that live, by name. */
  live(): Promise<WorkerInfo[]>;

  /** The supervisors that live. */
  liveSupervisors(): Promise<WorkerInfo[]>;

  /** Who has this name now; undefined if nobody has. */
  find(name: string): Promise<WorkerInfo | undefined>;

  /** The names of those that died and left something. Some may turn out to live. */
  dead(): Promise<string[]>;

  /**
   * Takes the place of one that died. May take seconds, where its death has to be made sure of.
   * @returns undefined if it lives, if another takes its place, or if `signal` aborts
   */
  takeOver(name: string, signal?: AbortSignal): Promise<WorkerLock | undefined>;

  /**
   * Signals those supervisors and workers of this host that have these names.
   * @returns the names of those that could be reached
   */
  signal(names: readonly string[], signal: EndingSignal): Promise<string[]>;
}

/** Whether this is the name of a supervisor. */
export function isSupervisorName(name: string): boolean {
  return /^supervisor-\d+(?:-\d+)?$/.test(name);
}

/** The name of the supervisor with this process id. */
export function supervisorName(pid: number): string {
  return `supervisor-${pid}`;
}
