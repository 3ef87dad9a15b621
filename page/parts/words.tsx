// Small pieces of text that many screens show: states, ages, ids, commands.
import type { ComponentChildren } from "preact";
import type { JobState } from "../../src/queue/job.ts";
import { oneLine } from "../../src/view/escape.ts";
import { agoText, durationText, localTime } from "../../src/view/times.ts";
import { jobAt } from "../address.ts";
import type { AttemptJson, Job, Problem } from "../api.ts";
import { now } from "../clock.ts";

export const STATES: readonly JobState[] = [
  "pending",
  "blocked",
  "processing",
  "failed",
  "completed",
  "dead",
  "cancelled",
];

/** A state, by word and colour. */
export function State({ state }: { state: JobState | null }) {
  return <span class={`state ${state ?? "removed"}`}>{state ?? "removed"}</span>;
}

/** `3m ago`, `in 5m`; the time itself when one points at it. */
export function Ago({ time }: { time: string }) {
  const at = Date.parse(time);
  return <time dateTime={time} title={localTime(at)}>{agoText(at, now.value)}</time>;
}

/** A time, and how long ago it was. */
export function When({ time }: { time: string }) {
  const at = Date.parse(time);
  return (
    <time dateTime={time}>
      {localTime(at)} <span class="quiet">{agoText(at, now.value)}</span>
    </time>
  );
}

/** How long it has been going on. */
export function Since({ time }: { time: string }) {
  const seconds = Math.max(0, now.value - Date.parse(time)) / 1000;
  // Changing tenths of seconds would only distract.
  return <span>{durationText(seconds < 10 ? Math.round(seconds) || 1 : seconds)}</span>;
}

export function tookText({ started_at, ended_at }: Pick<AttemptJson, "started_at" | "ended_at">) {
  if (ended_at === null) return "";
  return durationText(Math.max(0, Date.parse(ended_at) - Date.parse(started_at)) / 1000);
}

/** How an attempt ended: `exit 3`, `SIGKILL`, `timed out`. */
export function endText(
  { outcome, exit_code, signal }: Pick<AttemptJson, "outcome" | "exit_code" | "signal">,
): string {
  if (outcome === null) return "running";
  if (outcome !== "failed") return outcome.replace("_", " ");
  return signal ?? (exit_code === null ? "failed" : `exit ${exit_code}`);
}

/** Details of a state: for how long, until when, how the job ended. */
export function Detail({ job }: { job: Job }) {
  const { state, run_at, updated_at, last } = job;
  const failure = last && last.outcome !== "succeeded" ? `${endText(last)}, ` : "";
  switch (state) {
    case "processing":
      return <Since time={updated_at} />;
    case "failed":
      return (
        <>
          {failure}
          {run_at !== null && <>retry {dueText(run_at)}</>}
        </>
      );
    case "pending":
      return run_at !== null && Date.parse(run_at) > now.value ? <>{dueText(run_at)}</> : null;
    case "blocked":
      return <>by {countText(job.after.length + job.after_any.length, "job")}</>;
    case "completed":
      return (
        <>
          {last && `in ${tookText(last)}, `}
          <Ago time={updated_at} />
        </>
      );
    case "cancelled":
      return (
        <>
          {job.reason && `${job.reason}, `}
          <Ago time={updated_at} />
        </>
      );
    case "dead":
      return (
        <>
          {failure}
          <Ago time={updated_at} />
        </>
      );
  }
}

function dueText(time: string): string {
  const at = Date.parse(time);
  return at <= now.value ? "now" : agoText(at, now.value);
}

/** An id; random ones are shortened. */
export function Id({ id }: { id: string }) {
  return <span class="mono id" title={id}>{shortId(id)}</span>;
}

export function shortId(id: string): string {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(id) ? id.slice(0, 8) : id;
}

/** A link to a job, by its id. */
export function JobLink({ id }: { id: string }) {
  return <a class="mono" href={jobAt(id)} title={id}>{shortId(id)}</a>;
}

/** A command on one line, as far as there is room. */
export function Command({ text }: { text: string }) {
  return <span class="mono command" title={text}>{onOneLine(text)}</span>;
}

/** Text on one line, without control characters that hide or reorder other text. */
export function onOneLine(text: string): string {
  return oneLine(text.replace(/\s+/g, " "));
}

/** `1 job`, `2,310 jobs`. */
export function countText(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? "" : "s"}`;
}

export function number(count: number): string {
  return count.toLocaleString("en-US");
}

/** An error, shown where it happened. */
export function Trouble({ problem, onClose }: {
  problem: Pick<Problem, "message" | "hint"> | undefined;
  onClose?: () => void;
}) {
  if (problem === undefined) return null;
  return (
    <p class="trouble" role="alert">
      <span>
        {problem.message} {problem.hint && <span class="quiet">· {problem.hint}</span>}
      </span>
      {onClose && <button type="button" class="plain" onClick={onClose}>Close</button>}
    </p>
  );
}

/** Shown while data is loading, if that takes noticeably long. */
export function Loading() {
  return <p class="nothing later" role="status">Loading…</p>;
}

/** Shown in place of an empty list. */
export function Nothing({ children }: { children: ComponentChildren }) {
  return <p class="nothing">{children}</p>;
}
