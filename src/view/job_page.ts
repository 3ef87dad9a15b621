// The page of `job show`: the job's data, its attempts, and the end of its output.
import type { Awaited, Fate } from "../queue/dependencies.ts";
import { DEFAULT_QUEUE, type Job, type RunningAttempt, updatedAt } from "../queue/job.ts";
import type { Attempt } from "../queue/outcome.ts";
import { countedAttempts } from "../queue/retry.ts";
import { oneLine, severalLines } from "./escape.ts";
import { endingText, OUTCOME_COLOURS } from "./outcomes.ts";
import { type Paint, STATE_COLOURS } from "./style.ts";
import { type Cell, type Column, renderTable, type TableStyle } from "./table.ts";
import { agoText, durationText, localTime } from "./times.ts";

export interface PageOptions {
  readonly now: number;
  /** Show the values of environment variables. */
  readonly verbose: boolean;
  /** Whether the worker that runs it has died. */
  readonly orphaned: boolean;
  /** The jobs that it waits for, with their states. */
  readonly awaited?: readonly (Awaited & { readonly fate: Fate })[];
  /** The end of the last attempt's output; undefined if there is none. */
  readonly output: Output | undefined;
}

export interface Output {
  readonly attempt: number;
  readonly lines: readonly string[];
  /** Whether these lines are the whole output. */
  readonly whole: boolean;
}

/** The page of a job. */
export async function jobPage(job: Job, options: PageOptions, style: TableStyle): Promise<string> {
  const { paint } = style;
  const heading = `${paint("Job", "bold")} ${job.id}\n${stateLine(job, options, paint)}\n`;
  const parts = [heading, facts(job, options, paint)];
  if (job.history.length > 0 || job.status.state === "processing") {
    parts.push(
      `${paint("Attempts", "bold")}\n${indented(await attemptTable(job, options, style))}`,
    );
  }
  if (options.output !== undefined) parts.push(outputPart(options.output, paint));
  return parts.join("\n");
}

/**
 * The attempts of a job as a table, the running one last. Hosts are shown if they differ, or with
 * `verbose`.
 */
export function attemptTable(
  job: Job,
  { now, verbose }: Pick<PageOptions, "now" | "verbose">,
  style: TableStyle,
): Promise<string> {
  const { status } = job;
  const attempts = [...job.history, ...(status.state === "processing" ? [status.running] : [])];
  const hosts = attempts.map(({ host }) => host ?? "-");
  const withHost = verbose || new Set(hosts).size > 1;
  const columns: Column[] = [
    { title: "#", right: true },
    { title: "STARTED" },
    { title: "TOOK", right: true },
    { title: "OUTCOME" },
    { title: "WORKER" },
    ...(withHost ? [{ title: "HOST" }] : []),
    { title: "REASON", cut: true },
  ];
  const rows = job.history.map(endedRow);
  if (status.state === "processing") rows.push(runningRow(status.running, now));
  const withHosts = rows.map((row, i) => [...row.slice(0, -1), hosts[i]!, row.at(-1)!]);
  return renderTable(columns, withHost ? withHosts : rows, style);
}

function endedRow(attempt: Attempt): Cell[] {
  return [
    String(attempt.attempt),
    localTime(attempt.startedAt),
    durationText((attempt.endedAt - attempt.startedAt) / 1000),
    { text: endingText(attempt), colour: OUTCOME_COLOURS[attempt.outcome] },
    attempt.worker,
    attempt.error ?? "",
  ];
}

function runningRow(running: RunningAttempt, now: number): Cell[] {
  return [
    String(running.attempt),
    localTime(running.startedAt),
    durationText(Math.max(0, now - running.startedAt) / 1000),
    { text: "running", colour: STATE_COLOURS.processing },
    running.worker,
    "",
  ];
}

function stateLine(job: Job, { now, orphaned }: PageOptions, paint: Paint): string {
  const { status } = job;
  const since = agoText(updatedAt(job), now);
  let more = since === "now" ? "just now" : since;
  if (status.state === "processing") {
    more = `on ${oneLine(status.running.worker)}${orphaned ? ", which is gone" : ""}, since ${
      durationText(Math.max(0, now - updatedAt(job)) / 1000)
    }`;
  }
  if (status.state === "failed") {
    more += `, next try ${status.runAt <= now ? "now" : agoText(status.runAt, now)}`;
  }
  if (status.state === "pending" && status.runAt !== null && status.runAt > now) {
    more = `runs ${agoText(status.runAt, now)}`;
  }
  if (status.state === "cancelled" && status.reason !== null) {
    more += `: ${oneLine(status.reason)}`;
  }
  return `${paint(status.state, STATE_COLOURS[status.state])}, ${more}`;
}

function facts(job: Job, options: PageOptions, paint: Paint): string {
  const { now, verbose, awaited = [] } = options;
  const env = Object.entries(job.env);
  const runAt = "runAt" in job.status ? job.status.runAt : null;
  const retries = Math.min(Math.max(0, countedAttempts(job) - 1), job.maxRetries);
  const lines: [string, string][] = [
    ["Command", severalLines(job.command).replaceAll("\n", "\n             ")],
    ["Folder", oneLine(job.cwd)],
    ...env.map(([name, value], i): [string, string] => [
      i === 0 ? "Environment" : "",
      `${name}=${verbose ? oneLine(value) : "***"}`,
    ]),
    ...(job.queue === DEFAULT_QUEUE ? [] : [["Queue", job.queue] as [string, string]]),
    ...(job.group === null ? [] : [["Group", job.group] as [string, string]]),
    ...(job.unique === null ? [] : [["Unique key", oneLine(job.unique)] as [string, string]]),
    ...(job.schedule === null ? [] : [["Schedule", job.schedule] as [string, string]]),
    ...awaited.map((one, i): [string, string] => [i === 0 ? "Waits for" : "", awaitedText(one)]),
    ["Priority", String(job.priority)],
    ["Retries", `${retries} of ${job.maxRetries} used`],
    ["Timeout", job.timeout === 0 ? "none" : durationText(job.timeout)],
    ["Enqueued", `${localTime(job.createdAt)} (${agoText(job.createdAt, now)})`],
  ];
  if (runAt !== null) lines.push(["Not before", `${localTime(runAt)} (${agoText(runAt, now)})`]);
  if (job.startBy !== null) {
    lines.push(["Start by", `${localTime(job.startBy)} (${agoText(job.startBy, now)})`]);
  }
  return lines.map(([name, value]) => `${paint(name.padEnd(11), "dim")}  ${value}\n`).join("");
}

/** One that a job waits for: how it stands, and what it takes where it will not go on by itself. */
function awaitedText({ id, any, fate }: Awaited & { readonly fate: Fate }): string {
  const needs = any ? "to end in any way" : "to complete";
  if (fate === "dead" && !any) return `${id} ${needs}; it is dead: queuectl dlq retry ${id}`;
  return `${id} ${needs}; it is ${fate}`;
}

function outputPart({ attempt, lines, whole }: Output, paint: Paint): string {
  const title = lines.length === 0
    ? `Attempt ${attempt} printed nothing`
    : whole
    ? `Output of attempt ${attempt}`
    : `Output of attempt ${attempt}, the last ${lines.length} lines`;
  return `${paint(title, "bold")}\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

/**
 * The last `most` lines of a log, safe to show; of a line that was redrawn (progress bars) what was
 * to be seen at the end.
 */
export function lastLines(log: string, most: number): string[] {
  const lines = log.split("\n");
  if (lines.at(-1) === "") lines.pop();
  // deno-lint-ignore no-control-regex
  const colours = /\x1b\[[0-9;]*[mK]/g;
  return lines.slice(-most).map((line) => {
    const drawn = line.replace(/\r+$/, "").replace(colours, "");
    return severalLines(drawn.slice(drawn.lastIndexOf("\r") + 1));
  });
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
