// Whether a thousand jobs are done as fast with many behind them, or many done before them, as
// alone.
import type { Bench } from "./bench.ts";
import { atLeast, ratioRow, type Row } from "./figures.ts";
import { Queue } from "./queue.ts";
import { inTurns } from "./turns.ts";

/**
 * All in the same round; the large queues are used again each time, and have a few thousand more
 * done at the end.
 */
export async function drains(bench: Bench): Promise<Row[]> {
  const count = 1000;
  const contenders: Record<string, () => Promise<number>> = {
    alone: () => new Queue(bench.ground, "alone").drainInFront(count),
  };
  for (const size of bench.sizes) {
    const [waiting, done] = [await bench.waiting(size), await bench.done(size)];
    contenders[`${size} waiting`] = () => waiting.queue.drainInFront(count);
    contenders[`${size} done`] = () => done.queue.drainInFront(count);
  }
  const samples = await inTurns(bench.rounds(11, 3), contenders, {
    warmUp: !bench.quick,
    told: (round) => bench.say(`round ${round + 1}`),
  });
  return bench.sizes.flatMap((size) =>
    (["waiting", "done"] as const).map((state) => {
      const many = size.toLocaleString("en-US");
      return ratioRow({
        what: `drain of 1,000 with ${
          state === "waiting" ? `a backlog of ${many}` : `${many} done`
        }`,
        unit: "/s",
        values: samples[`${size} ${state}`]!,
        yardstick: { name: "alone", values: samples.alone! },
        target: atLeast(size > 100_000 ? 0.95 : 0.97),
      });
    })
  );
}
