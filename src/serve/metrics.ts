// The state of a store in Prometheus' text format. Pure. No command and no id is ever a label:
// there are too many of them, and they may be secrets.
import { JOB_STATES } from "../queue/job.ts";
import { OUTCOMES } from "../queue/outcome.ts";
import type { QueueView } from "../queue/queues.ts";
import type { Counts } from "../queue/store.ts";
import { BOUNDS, type Histogram, type Tally } from "../queue/tally.ts";

export interface MetricsFacts {
  readonly version: string;
  readonly counts: Counts;
  readonly queues: readonly QueueView[];
  readonly tally: Tally;
  readonly workers: Readonly<Record<"idle" | "busy", number>>;
  /** Seconds for which the job that is due for the longest has been; undefined if none is. */
  readonly oldestWaiting: number | undefined;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number, suffix?: string];

/** What `/metrics` and `queuectl metrics` say. */
export function metricsText(facts: MetricsFacts): string {
  const { version, counts, queues, tally, workers, oldestWaiting } = facts;
  return [
    metric("build_info", "gauge", "The version of queuectl that tells this.", [[{ version }, 1]]),
    metric(
      "jobs",
      "gauge",
      "Jobs in each state; of those that have ended the queue is not told.",
      jobSamples(counts, queues),
    ),
    metric(
      "attempts_total",
      "counter",
      "Attempts that have ended, by how.",
      [...tally.attempts].sort(([a], [b]) => a < b ? -1 : 1).flatMap(([queue, outcomes]) =>
        OUTCOMES.map((outcome): Sample => [{ queue, outcome }, outcomes[outcome]])
      ),
    ),
    metric(
      "job_duration_seconds",
      "histogram",
      "How long attempts ran.",
      histogramSamples(tally.duration),
    ),
    metric(
      "job_wait_seconds",
      "histogram",
      "How long jobs waited, from when they might have begun.",
      histogramSamples(tally.wait),
    ),
    metric("workers", "gauge", "Workers that live.", [
      [{ state: "idle" }, workers.idle],
      [{ state: "busy" }, workers.busy],
    ]),
    metric(
      "oldest_waiting_seconds",
      "gauge",
      "For how long the job that is due for the longest has been; 0 if none is due.",
      [[{}, oldestWaiting ?? 0]],
    ),
    metric(
      "queue_paused",
      "gauge",
      "1 if no job of the queue may begin.",
      queues.map(({ name, paused }): Sample => [{ queue: name }, paused ? 1 : 0]),
    ),
  ].join("");
}

function jobSamples(counts: Counts, queues: readonly QueueView[]): Sample[] {
  const unended = queues.flatMap(({ name: queue, waiting, failed, blocked, running }): Sample[] => [
    [{ queue, state: "pending" }, waiting - failed],
    [{ queue, state: "blocked" }, blocked],
    [{ queue, state: "processing" }, running],
    [{ queue, state: "failed" }, failed],
  ]);
  const ended = JOB_STATES.filter((state) => ["completed", "dead", "cancelled"].includes(state));
  return [...unended, ...ended.map((state): Sample => [{ queue: "", state }, counts[state]])];
}

function histogramSamples({ counts, sum }: Histogram): Sample[] {
  let below = 0;
  const samples = [...BOUNDS.map(String), "+Inf"].map((le, i): Sample => {
    below += counts[i]!;
    return [{ le }, below, "_bucket"];
  });
  return [...samples, [{}, sum, "_sum"], [{}, below, "_count"]];
}

function metric(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const full = `queuectl_${name}`;
  const lines = samples.map(([labels, value, suffix = ""]) =>
    `${full}${suffix}${labelText(labels)} ${value}\n`
  );
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join("")}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) =>
    `${name}="${value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')}"`
  );
  return pairs.length === 0 ? "" : `{${pairs.join()}}`;
}
