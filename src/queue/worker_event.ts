// What a worker and its supervisor tell while they run, as values; view/ turns them into lines.
import type { Job } from "./job.ts";

export type WorkerEvent =
  | { readonly kind: "supervisor_started"; readonly workers: number; readonly store: string }
  | { readonly kind: "supervisor_stopping"; readonly reason: string; readonly force: boolean }
  | { readonly kind: "supervisor_stopped" }
  | { readonly kind: "worker_started"; readonly worker: string }
  | { readonly kind: "worker_stopped"; readonly worker: string }
  | {
    readonly kind: "worker_died";
    readonly pid: number;
    readonly code: number;
    readonly signal: string | null;
    /** Whether another is started in its place. */
    readonly replaced: boolean;
  }
  | { readonly kind: "job_started"; readonly worker: string; readonly job: Job }
  /** `job` is as it is after the attempt, which is the last of its history. */
  | { readonly kind: "job_ended"; readonly worker: string; readonly job: Job }
  /** A running job whose worker died is watched from now on, or was found never to have begun. */
  | {
    readonly kind: "job_adopted";
    readonly worker: string;
    readonly from: string;
    readonly job: Job;
  }
  | {
    readonly kind: "job_given_back";
    readonly worker: string;
    readonly from: string;
    readonly job: Job;
  }
  /**
   * A schedule made a job for the time `at`, or none because `holder` has its key, or, if there is
   * none, because the job before has not ended.
   */
  | {
    readonly kind: "schedule_due";
    readonly schedule: string;
    readonly at: number;
    readonly jobId: string | null;
    readonly holder: string | null;
  }
  /** The store can't be reached, which workers wait for; `message` says why. */
  | { readonly kind: "store_away"; readonly message: string }
  | { readonly kind: "store_back"; readonly store: string }
  | { readonly kind: "warning"; readonly message: string };
