// The port for requests to running processes. A request is removed by whoever grants it or by
// whoever made it.

/** `force` kills running jobs; `graceful` lets them end. */
export type StopKind = "graceful" | "force";

export interface Requests {
  /** Asks the supervisor or worker with this name to stop. `force` overrides a graceful request. */
  requestStop(name: string, kind: StopKind): Promise<void>;

  /**
   * How the supervisor or worker with this name is asked to stop; `force` if both were asked for.
   */
  stopRequested(name: string): Promise<StopKind | undefined>;

  clearStop(name: string): Promise<void>;

  /** Asks the worker that runs this job to cancel it. */
  requestCancel(id: string): Promise<void>;

  /** The ids of the jobs that are requested to be cancelled. */
  cancelRequests(): Promise<string[]>;

  /** Removes the request, if there is one. */
  clearCancel(id: string): Promise<void>;

  /**
   * Resolves when there may be a new request, when `signal` aborts, or after `timeout` milliseconds
   * (a few seconds by default, since the watch may miss a request).
   */
  wait(timeout?: number, signal?: AbortSignal): Promise<void>;

  close(): void;
}
