// The events that workers and supervisors report, as values; view/ turns them into text.
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
    /** Whether another worker is started in its place. */
    readonly replaced: boolean;
  }
  | { readonly kind: "job_started"; readonly worker: string; readonly job: Job }
  /** `job` is the job after the attempt, which is the last one in its history. */
  | { readonly kind: "job_ended"; readonly worker: string; readonly job: Job }
  /**
   * A running job of a dead worker is watched from now on (`job_adopted`), or had not begun
   * (`job_given_back`).
   */
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
   * A schedule made a job for the time `at`. If `jobId` is null it made none, because `holder` has
   * the unique key or, if that is null too, because the previous job has not ended.
   */
  | {
    readonly kind: "schedule_due";
    readonly schedule: string;
    readonly at: number;
    readonly jobId: string | null;
    readonly holder: string | null;
  }
  | { readonly kind: "warning"; readonly message: string };
