// The text of `status`: counts, and workers with what they do.
import { JOB_STATES } from "../queue/job.ts";
import type { Activity, WorkerView } from "../queue/status.ts";
import { oneLine } from "./escape.ts";
import { STATE_COLOURS } from "./style.ts";
import { type Cell, type Column, renderTable, type TableStyle } from "./table.ts";
import { agoText, durationText, localTime } from "./times.ts";

export interface StatusView extends Activity {
  /** Null if the store is not a folder. */
  readonly dataDir: string | null;
  /** The name of the store for users. */
  readonly store: string;
}

/** Counts and workers. */
export async function statusText(
  status: StatusView,
  options: { now: number; verbose: boolean },
  style: TableStyle,
): Promise<string> {
  const { paint } = style;
  const total = JOB_STATES.reduce((sum, state) => sum + status.counts[state], 0);
  const size = Math.max(5, String(total).length);
  const counts = JOB_STATES.map((state) => {
    const count = String(status.counts[state]).padStart(size);
    return `  ${paint(state.padEnd(10), STATE_COLOURS[state])} ${count}\n`;
  });
  const { length } = status.workers;
  const busy = status.workers.filter(({ job }) => job !== undefined).length;
  const heading = length === 0
    ? "no worker (queuectl start)"
    : `${length} ${length === 1 ? "worker" : "workers"}, ${busy} busy`;
  return [
    `${paint("Data", "bold")}  ${oneLine(status.store)}\n\n`,
    `${paint("Jobs", "bold")}\n${counts.join("")}  ${"total".padEnd(10)} ${
      String(total).padStart(size)
    }\n\n`,
    `${paint("Workers", "bold")}  ${heading}\n`,
    length === 0 ? "" : await workerTable(status.workers, options, style),
    status.orphans === 0 ? "" : `  ${paint(orphansText(status.orphans, length > 0), "yellow")}\n`,
  ].join("");
}

function orphansText(count: number, someoneLives: boolean): string {
  const [what, them] = count === 1
    ? ["1 job runs on without its worker", "it"]
    : [`${count} jobs run on without their workers`, "them"];
  return `${what}: ${
    someoneLives ? "another worker will look" : "queuectl start looks"
  } after ${them}`;
}

type WorkerColumn = Column & { cell: (worker: WorkerView) => Cell };

function workerTable(
  workers: readonly WorkerView[],
  { now, verbose }: { now: number; verbose: boolean },
  style: TableStyle,
): Promise<string> {
  const since = ({ job }: WorkerView) =>
    job?.status.state === "processing"
      ? durationText(Math.max(0, now - job.status.running.startedAt) / 1000)
      : "-";
  const columns: WorkerColumn[] = [
    { title: "NAME", cell: ({ name }) => name },
    { title: "PID", right: true, cell: ({ pid }) => String(pid) },
    ...(verbose
      ? [
        { title: "HOST", cell: ({ host }: WorkerView) => host },
        { title: "STARTED", cell: ({ startedAt }: WorkerView) => localTime(startedAt) },
        { title: "SEEN", cell: ({ lastSeenAt }: WorkerView) => agoText(lastSeenAt, now) },
      ]
      : []),
    {
      title: "STATE",
      cell: ({ job }) => job ? { text: "busy", colour: "yellow" } : { text: "idle", colour: "dim" },
    },
    { title: "JOB", cell: ({ job }) => shortId(job?.id, style) },
    { title: "FOR", right: true, cell: since },
    { title: "COMMAND", cut: true, cell: ({ job }) => job?.command ?? "" },
  ];
  return renderTable(
    columns,
    workers.map((worker) => columns.map(({ cell }) => cell(worker))),
    style,
  );
}

function shortId(id: string | undefined, style: TableStyle): string {
  return id === undefined ? "-" : style.width === undefined ? id : id.slice(0, 8);
}
