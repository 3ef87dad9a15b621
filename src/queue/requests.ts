// The port for requests to processes that run. Whoever grants a request removes it, or whoever
// made it.

/** `force` kills running jobs; `graceful` lets them end. */
export type StopKind = "graceful" | "force";

export interface Requests {
  /** Asks the supervisor or worker of this name to stop. `force` outweighs a graceful request. */
  requestStop(name: string, kind: StopKind): Promise<void>;

  /** What the supervisor or worker of this name is asked to do; the stronger if both. */
  stopRequested(name: string): Promise<StopKind | undefined>;

  clearStop(name: string): Promise<void>;

  /** Asks whoever runs this job to cancel it. */
  requestCancel(id: string): Promise<void>;

  /** The ids of the jobs that somebody wants cancelled. */
  cancelRequests(): Promise<string[]>;

  /** Takes the request back, or clears it away; nothing if there is none. */
  clearCancel(id: string): Promise<void>;

  /**
   * Resolves when there may be a new request, when `signal` aborts, or after `timeout` milliseconds
   * (a few seconds if undefined, since what tells of requests may miss one).
   */
  wait(timeout?: number, signal?: AbortSignal): Promise<void>;

  close(): void;
}
