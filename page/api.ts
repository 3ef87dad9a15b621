// Requests to the API. Every failure is a `Problem`, whose message is for the user.
import { signal } from "@preact/signals";
import type { AttemptJson, JobJson } from "../src/queue/job_json.ts";
import type { JobState } from "../src/queue/job.ts";
import type { Histogram } from "./chart.ts";

export type { AttemptJson };
export type Counts = Readonly<Record<JobState, number>>;

export interface Job extends Omit<JobJson, "history"> {
  readonly state: JobState;
  /** In lists: the last attempt that ended. */
  readonly last?: AttemptJson | null;
}

export interface JobPage extends Job {
  readonly history: readonly AttemptJson[];
  readonly orphaned: boolean;
  readonly logs: readonly { readonly attempt: number; readonly size: number }[];
}

export interface JobList {
  readonly jobs: readonly Job[];
  readonly next_cursor: string | null;
  readonly looked_to: string | null;
}

export interface Failures {
  readonly jobs: readonly Job[];
}

export interface Graph {
  readonly nodes: readonly {
    readonly id: string;
    readonly command: string | null;
    /** Null: it was removed. */
    readonly state: JobState | null;
  }[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly any: boolean }[];
  readonly cut: boolean;
}

export interface Worker {
  readonly name: string;
  readonly pid: number;
  readonly host: string;
  readonly state: "idle" | "busy";
  readonly job_id: string | null;
  readonly started_at: string;
  readonly last_seen_at: string;
}

export interface Ended {
  readonly completed: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly failed_share: number | null;
}

/** What the event stream sends about the store. */
export interface LiveStatus {
  readonly jobs: Counts;
  readonly workers: readonly Worker[];
}

export interface Status extends LiveStatus {
  readonly store: string;
  readonly version: string;
  readonly now: string;
  readonly read_only: boolean;
  readonly allow_enqueue: boolean;
  readonly orphans: number;
  readonly oldest_waiting: { readonly id: string; readonly due_at: string } | null;
  readonly next_due: { readonly id: string; readonly due_at: string } | null;
  readonly ended: Readonly<Record<"minute" | "hour" | "day", Ended>>;
}

export interface Activity {
  readonly from: string;
  /** Seconds. */
  readonly step: number;
  readonly completed: readonly number[];
  readonly dead: readonly number[];
  readonly cancelled: readonly number[];
  readonly wait: Histogram;
  readonly duration: Histogram;
}

export interface Queue {
  readonly name: string;
  readonly waiting: number;
  readonly running: number;
  readonly limit: number | null;
  readonly rate: { readonly count: number; readonly seconds: number } | null;
  readonly paused: boolean;
  readonly oldest_waiting_at: string | null;
}

export interface Schedule {
  readonly name: string;
  readonly cron?: string;
  /** Seconds. */
  readonly every?: number;
  readonly tz: string;
  readonly missed: string;
  readonly overlap: string;
  readonly created_at: string;
  readonly next_at: string | null;
  readonly paused: boolean;
  readonly owed: readonly string[];
  readonly last_at: string | null;
  readonly last_job_id: string | null;
  readonly skipped: number;
  readonly last_skipped_at: string | null;
  readonly job: { readonly command: string } & Readonly<Record<string, unknown>>;
}

export interface SchedulePage extends Schedule {
  readonly next: readonly string[];
  readonly history: readonly Job[];
}

export interface Dlq {
  readonly total: number;
  readonly oldest_at: string | null;
  readonly newest_at: string | null;
  readonly groups: readonly {
    readonly command: string;
    readonly exit_code: number | null;
    readonly signal: string | null;
    readonly count: number;
    readonly newest_at: string;
    readonly newest_id: string;
  }[];
  /** How many more groups there are. */
  readonly left_out: number;
}

export interface BulkDone {
  readonly matched: number;
  readonly complete: boolean;
  readonly done: number;
  readonly refused: number;
  readonly refusals: readonly { readonly message: string; readonly hint: string | null }[];
}

/** A change of many jobs, which goes on in the background. */
export interface ManyChange extends BulkDone {
  readonly id: string;
  readonly verb: "retry" | "cancel" | "remove";
  readonly state: "looking" | "changing" | "done" | "stopped" | "failed";
  readonly ended_at: string | null;
  readonly error: string | null;
}

/** Why a request failed. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;

  constructor(status: number, code: string, message: string, hint: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** Whether the user has to sign in. */
export const isSignedOut = signal(false);

/** Reads from the API. @throws Problem */
export async function ask<T>(path: string, signal?: AbortSignal): Promise<T> {
  return await (await request(path, signal ? { signal } : {})).json();
}

/** Asks the API to change something. @throws Problem */
export async function tell<T>(path: string, body: unknown = {}): Promise<T> {
  const response = await request(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.status === 204 ? undefined as T : await response.json();
}

/** Sends a request; returns a successful response. @throws Problem */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Problem(0, "unreachable", "queuectl serve does not answer", "Is it still running?");
  }
  if (response.ok) {
    if (response.status !== 204 || path === "api/session") isSignedOut.value = false;
    return response;
  }
  if (response.status === 401 && path !== "api/session") isSignedOut.value = true;
  const text = await response.text();
  let told: { code?: string; message?: string; hint?: string | null } = {};
  try {
    told = JSON.parse(text).error ?? {};
  } catch {
    // Not from queuectl: a proxy, perhaps.
  }
  const { code = "unknown", message = `The answer was ${response.status}`, hint = null } = told;
  throw new Problem(response.status, code, message, hint);
}

/** Any error as a `Problem`. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(0, "bug", error instanceof Error ? error.message : String(error));
}

/** The address of a job in the API. */
export function jobPath(id: string, more = ""): string {
  return `api/jobs/${encodeURIComponent(id)}${more}`;
}
