// queuectl status --watch: redraws the status in place each second, without a terminal library.
import { QueueError } from "../../queue/errors.ts";
import type { Job } from "../../queue/job.ts";
import type { Counts, JobReader } from "../../queue/store.ts";
import type { StatusView } from "../../view/status.ts";
import { watchText } from "../../view/watch.ts";
import type { CommandContext } from "../command_context.ts";
import { tableStyle } from "../tables.ts";

const BETWEEN = 1000;
const FAILURES = 5;
/** How many samples the speed is taken from; over a single second it would jump. */
const WINDOW = 10;

const LEAVING = ["q", "Q", "\x1b", "\x03", "\x04"];

const ENTER = "\x1b[?1049h\x1b[?25l"; // alternate screen, cursor hidden
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/** Shows the status until the user leaves, by `q`, Escape or Ctrl-C. */
export async function watch(
  call: CommandContext,
  store: JobReader,
  read: () => Promise<StatusView>,
): Promise<void> {
  const { context, flags } = call;
  const { stdin, stdout } = context;
  if (!stdin.isTerminal || !stdout.isTerminal) {
    throw new QueueError("usage", "--watch needs a terminal; scripts may use --json");
  }
  const leave = () => {
    stdin.setRaw(false);
    stdout.write(LEAVE);
  };
  stdin.setRaw(true);
  const end = context.onEnd(leave);
  try {
    stdout.write(ENTER);
    const samples: { at: number; ended: number }[] = [];
    for (;;) {
      const status = await read();
      const now = context.now();
      samples.push({ at: now, ended: endedJobs(status.counts) });
      if (samples.length > WINDOW) samples.shift();
      const more = {
        now,
        verbose: flags.has("verbose"),
        perSecond: speed(samples),
        failures: await lastFailures(store),
      };
      draw(call, await watchText(status, more, tableStyle(context)));
      const key = await stdin.nextKey(BETWEEN);
      if (key !== undefined && LEAVING.includes(key)) return;
    }
  } finally {
    end.release();
    leave();
  }
}

// Overwrites the screen instead of clearing it first, which would flicker. Lines that don't fit are
// left out.
function draw({ context: { stdout } }: CommandContext, text: string): void {
  const lines = text.trimEnd().split("\n").slice(0, Math.max(1, stdout.rows - 1));
  stdout.write(HOME + lines.map((line) => line + CLEAR_LINE).join("\r\n") + CLEAR_BELOW);
}

function endedJobs(counts: Counts): number {
  return counts.completed + counts.dead + counts.cancelled;
}

function speed(samples: readonly { at: number; ended: number }[]): number {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  return last.at === first.at
    ? 0
    : Math.max(0, last.ended - first.ended) * 1000 / (last.at - first.at);
}

async function lastFailures(store: JobReader): Promise<Job[]> {
  const jobs: Job[] = [];
  for await (const job of store.list({ states: ["failed", "dead"], limit: FAILURES })) {
    jobs.push(job);
  }
  return jobs;
}
