// How often workers that wait for the same job get in each other's way.
import type { Bench } from "./bench.ts";
import { atMost, missingRow, plainRow, type Row } from "./figures.ts";
import { pause } from "../../src/exec/timer.ts";
import { until } from "./ground.ts";
import { exists, Queue } from "./queue.ts";

const WORKERS = 8;
/**
 * How a job is claimed: its ticket is renamed into the folder of what the worker runs. A lost claim
 * is one that finds no ticket.
 */
const LOST =
  /rename\w*\(.*"[^"]*\/queue\/ready\/[^"]*\.tick-(\d+)".*\/queue\/running\/.*= -1 ENOENT/;

const STRACE = "strace -f --seccomp-bpf -qq -s 4096 -e trace=rename,renameat,renameat2 -o";

/**
 * Claims lost a job: eight idle workers, a job each second. `strace` counts them, looking at
 * nothing but renames; that makes renames slower, though for all workers alike.
 */
export async function claims(bench: Bench): Promise<Row[]> {
  const what = `${WORKERS} workers, one job each second: claims lost a job`;
  const { ground } = bench;
  if (!await ground.has("strace")) return [missingRow(what, "lost", "strace is not installed")];
  const queue = new Queue(ground, "claims");
  const trace = `${queue.folder}/trace`;
  // Each worker has a job first: its folder for what it runs has to be there, or its first claim
  // fails for that.
  await queue.fill(WORKERS, `: >"${queue.folder}/\${QUEUECTL_WORKER}"; sleep 1`);
  const start = queue.words("start", `--count=${WORKERS}`);
  const supervisor = ground.start([...STRACE.split(" "), trace, ...start]);
  const count = bench.pick(60, 6);
  try {
    await until(() => workerMarks(queue) >= WORKERS, "each worker has run a job");
    await pause(2000);
    for (let n = 0; n < count; n++) {
      const next = performance.now() + 1000;
      await queue.call(["enqueue", `--job-id=tick-${n}`, "true"]);
      await pause(Math.max(0, next - performance.now()));
    }
  } finally {
    // While it writes to a file, strace takes no signal.
    await queue.call(["stop"]);
    await supervisor.ended;
  }
  const values = lostIn(Deno.readTextFileSync(trace), count);
  const value = values.reduce((sum, lost) => sum + lost, 0) / count;
  return [plainRow({ what, unit: "lost", values, value, target: atMost(1, "value") })];
}

/** How many claims of each job were lost. */
function lostIn(trace: string, count: number): number[] {
  const values = new Array<number>(count).fill(0);
  for (const line of trace.split("\n")) {
    const n = LOST.exec(line)?.[1];
    if (n !== undefined) values[Number(n)]!++;
  }
  return values;
}

function workerMarks(queue: Queue): number {
  return Array.from({ length: WORKERS }, (_, i) => `${queue.folder}/worker-${i + 1}`).filter(exists)
    .length;
}
