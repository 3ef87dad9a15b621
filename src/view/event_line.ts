// What `start` prints while it runs: one line for each event.
import type { Job } from "../queue/job.ts";
import type { Attempt, Outcome } from "../queue/outcome.ts";
import { LOG_LEVELS, type LogLevel } from "../queue/settings.ts";
import { oneLine } from "./escape.ts";
import { endingText, OUTCOME_COLOURS } from "./outcomes.ts";
import type { Colour, Paint } from "./style.ts";
import { agoText, clockTime, durationText } from "./times.ts";

export type QueueEvent =
  /** A worker begins to run a job. */
  | { readonly kind: "begun"; readonly at: number; readonly job: Job; readonly worker: string }
  /** A run has ended. `job` is the job afterwards, with the attempt last in its history. */
  | { readonly kind: "ended"; readonly at: number; readonly job: Job }
  /** Anything else, such as workers that come and go. */
  | { readonly kind: "note"; readonly at: number; readonly level: LogLevel; readonly text: string };

const LEVEL_COLOURS: Readonly<Record<LogLevel, Colour>> = {
  DEBUG: "dim",
  INFO: "cyan",
  WARNING: "yellow",
  ERROR: "red",
};

const LEVEL_OF: Readonly<Record<Outcome, LogLevel>> = {
  succeeded: "INFO",
  cancelled: "INFO",
  released: "INFO",
  failed: "WARNING",
  timed_out: "WARNING",
  lost: "WARNING",
};

/**
 * The level of an event. The begin of a run has DEBUG, since the line for its end has all the
 * information.
 */
export function levelOf(event: QueueEvent): LogLevel {
  if (event.kind === "note") return event.level;
  if (event.kind === "begun") return "DEBUG";
  const last = event.job.history.at(-1);
  return event.job.status.state === "dead"
    ? "ERROR"
    : last === undefined
    ? "INFO"
    : LEVEL_OF[last.outcome];
}

/** Whether an event is shown if the configured log level is `least`. */
export function isShown(event: QueueEvent, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(levelOf(event)) >= LOG_LEVELS.indexOf(least);
}

/** The event as a line, without its newline; the command is cut to fit `width`, if given. */
export function eventLine(event: QueueEvent, paint: Paint, width?: number): string {
  const level = levelOf(event);
  const front = `${paint(clockTime(event.at), "dim")} ${
    paint(level.padEnd(7), LEVEL_COLOURS[level])
  } `;
  const taken = 8 + 1 + 7 + 1;
  if (event.kind === "note") return front + oneLine(event.text);
  const id = event.job.id.slice(0, 8);
  const what = event.kind === "begun"
    ? `begun on ${oneLine(event.worker)}`
    : ending(event.job, event.at);
  const colour = event.kind === "begun" ? undefined : colourOf(event.job.history.at(-1));
  const room = width === undefined
    ? Infinity
    : Math.max(10, width - taken - id.length - what.length - 3);
  return `${front}${id} ${paint(what, colour)}: ${cut(oneLine(event.job.command), room)}`;
}

function colourOf(attempt: Attempt | undefined): Colour | undefined {
  return attempt && OUTCOME_COLOURS[attempt.outcome];
}

// `exit 1 after 2.1s, retry 2 of 3 in 4s`
function ending({ history, status, maxRetries, countedFrom }: Job, now: number): string {
  const last = history.at(-1);
  if (last === undefined) return status.state;
  const took = `${endingText(last)} after ${durationText((last.endedAt - last.startedAt) / 1000)}`;
  if (status.state === "dead") return `${took}, dead`;
  if (status.state !== "failed") return took;
  const retry = history.slice(countedFrom).filter(({ outcome }) => outcome !== "released").length;
  return `${took}, retry ${retry} of ${maxRetries} ${
    status.runAt <= now ? "now" : agoText(status.runAt, now)
  }`;
}

// Characters that may be wide count as two columns: a line that ends too early does no harm, but a
// line that wraps does. For exact widths each worker would have to load a package.
function cut(text: string, room: number): string {
  if (text.length * 2 <= room) return text;
  let [width, end, fits] = [0, 0, 0];
  for (const character of text) {
    width += character.codePointAt(0)! < 0x1100 ? 1 : 2;
    if (width > room) return text.slice(0, fits) + "…";
    end += character.length;
    if (width < room) fits = end;
  }
  return text;
}
