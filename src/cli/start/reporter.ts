// Writes the events of supervisor and workers to stderr, as lines, if the setting log_level lets
// them through.
import type { LogLevel } from "../../queue/settings.ts";
import type { WorkerEvent } from "../../queue/worker_event.ts";
import { LineWriter } from "../../system/line_writer.ts";
import { eventLine, isShown, type QueueEvent } from "../../view/event_line.ts";
import { paintFor } from "../../view/style.ts";
import { clockTime } from "../../view/times.ts";
import type { Context } from "../context.ts";

/** Milliseconds that writing the last lines may take when a process ends. */
const LAST_LINES = 1000;

export interface Reporter {
  report(event: WorkerEvent): void;
  /** Returns when everything is written, or can't be written. */
  close(): Promise<void>;
}

/**
 * Writes events as lines, and never waits for the reader: a full pipe must not stop the queue.
 * `least` is called each time, so that a change of the configuration takes effect at once.
 */
export function openReporter(
  context: Context,
  least: () => LogLevel,
  lines = new LineWriter(Deno.stderr),
): Reporter {
  const { stderr } = context;
  const paint = paintFor(stderr, context.env);
  return {
    report(event) {
      const shown = queueEvent(event, context.now());
      if (!isShown(shown, least())) return;
      lines.write(eventLine(shown, paint, stderr.isTerminal ? stderr.columns : undefined));
    },
    close: () => lines.flush(LAST_LINES),
  };
}

function queueEvent(event: WorkerEvent, at: number): QueueEvent {
  const note = (level: LogLevel, text: string): QueueEvent => ({ kind: "note", at, level, text });
  switch (event.kind) {
    case "job_started":
      return { kind: "begun", at, job: event.job, worker: event.worker };
    case "job_ended":
      return { kind: "ended", at, job: event.job };
    case "job_adopted":
      return note(
        "INFO",
        `${event.worker} looks after job ${event.job.id}, since ${event.from} died`,
      );
    case "job_given_back":
      return note(
        "INFO",
        `job ${event.job.id} had not begun when ${event.from} died; it is back in the queue`,
      );
    case "supervisor_started":
      return note(
        "INFO",
        `started ${event.workers} ${event.workers === 1 ? "worker" : "workers"} on ${event.store}`,
      );
    case "supervisor_stopping":
      return note(
        "INFO",
        `${event.reason}: ${event.force ? "killing running jobs" : "running jobs end first"}`,
      );
    case "supervisor_stopped":
      return note("INFO", "stopped");
    case "worker_started":
      return note("DEBUG", `${event.worker} started`);
    case "worker_stopped":
      return note("DEBUG", `${event.worker} stopped`);
    case "worker_died": {
      const how = event.signal === null ? `with exit code ${event.code}` : `by ${event.signal}`;
      return note(
        "WARNING",
        `the worker with process id ${event.pid} ended ${how}${
          event.replaced ? "; starting another" : ""
        }`,
      );
    }
    case "schedule_due": {
      const { schedule, jobId, holder } = event;
      const why = holder === null
        ? "the previous job has not ended"
        : `job ${holder} has its unique key`;
      const what = jobId === null ? `skipped ${clockTime(event.at)}: ${why}` : `enqueued ${jobId}`;
      return note("INFO", `schedule ${schedule}: ${what}`);
    }
    case "store_away":
      return note(
        "WARNING",
        `${event.message}; trying until it works; what runs goes on until the lease of this host ends`,
      );
    case "store_back":
      return note("INFO", `${event.store} is back`);
    case "warning":
      return note("WARNING", event.message);
  }
}
