// Whether jobs are done as fast beside many that may not run: those that wait for others, and those
// that their queue does not let begin.
import type { Bench } from "./bench.ts";
import { atLeast, ratioRow, type Row } from "./figures.ts";
import { until } from "./ground.ts";
import { Queue } from "./queue.ts";
import { inTurns } from "./turns.ts";

/** All in the same round; the large queues are used again each time. */
export async function held(bench: Bench): Promise<Row[]> {
  const size = bench.pick(100_000, 10_000);
  const count = 1000;
  bench.say(`making queues of ${size} that may not run`);
  const [blocked, paused] = [await blockedQueue(bench, size), await pausedQueue(bench, size)];
  const limited = await limitedQueue(bench, size);
  await bench.ground.settle();
  const samples = await inTurns(bench.rounds(11, 3), {
    alone: () => new Queue(bench.ground, "alone").drainInFront(count),
    blocked: () => blocked.drainInFront(count),
    paused: () => paused.drainInFront(count),
    limited: () => limited.queue.drainInFront(count),
  }, { warmUp: true, told: (round) => bench.say(`round ${round + 1}`) });
  await limited.end();
  const many = size.toLocaleString("en-US");
  const row = (what: string, values: readonly number[]) =>
    ratioRow({
      what: `drain of 1,000 beside ${many} ${what}`,
      unit: "/s",
      values,
      yardstick: { name: "alone", values: samples.alone },
      target: atLeast(0.97),
    });
  return [
    row("that wait for another job", samples.blocked),
    row("in a paused queue", samples.paused),
    row("behind a limit", samples.limited),
  ];
}

async function blockedQueue(bench: Bench, size: number): Promise<Queue> {
  const queue = new Queue(bench.ground, "blocked");
  await queue.call(["enqueue", "--job-id=never", "--delay=1d", "true"]);
  await queue.fill(size, { command: "true", after: ["never"] });
  return queue;
}

async function pausedQueue(bench: Bench, size: number): Promise<Queue> {
  const queue = new Queue(bench.ground, "paused");
  await queue.fill(size, { command: "true", queue: "later" });
  await queue.call(["queue", "pause", "later"]);
  return queue;
}

/** One of them runs all the time, with a worker of its own. */
async function limitedQueue(bench: Bench, size: number) {
  const queue = new Queue(bench.ground, "limited");
  await queue.call(["queue", "set", "narrow", "--limit=1"]);
  const begun = `${queue.folder}/begun`;
  await queue.call(["enqueue", "--queue=narrow", `: >'${begun}'; exec sleep 86400`]);
  const worker = queue.start("--queue=narrow");
  await until(() => Deno.stat(begun).then(() => true, () => false), "the limit is reached");
  await queue.fill(size, { command: "true", queue: "narrow" });
  const end = async () => {
    await queue.call(["stop", "--force"]);
    await worker.ended;
  };
  return { queue, end };
}
