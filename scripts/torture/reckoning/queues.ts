// Limits, rates and pauses of queues hold at every moment, over all workers.
import { QUEUES } from "../queue_log.ts";
import type { Facts, Run } from "./facts.ts";

/** Milliseconds after which nothing runs any more that was claimed before. */
const SETTLED = 10_000;

/** A run of a job, which has a key. */
interface Begin {
  readonly key: string;
  readonly run: Run;
}

export function checkQueues(facts: Facts): void {
  const begins = new Map<string, Begin[]>();
  for (const [key, runs] of facts.runs) {
    for (const run of runs) {
      begins.set(run.queue, [...begins.get(run.queue) ?? [], { key, run }]);
    }
  }
  for (const [queue, { rate }] of Object.entries(QUEUES)) {
    const own = begins.get(queue) ?? [];
    for (const begin of own) checkBegin(facts, queue, begin);
    if (rate !== undefined) checkRate(facts, queue, own);
  }
}

/** A job that begins was let begin by what was set: by its own count of those that ran. */
function checkBegin(facts: Facts, queue: string, { key, run }: Begin): void {
  const { begin, running } = run;
  const possible = facts.scene.queues.possibleAt(queue, key.replace(/#.*/, ""), begin);
  const isSettled = possible.length === 1;
  if (possible.some(({ limit }) => limit < Infinity)) facts.tests("begun under a limit");
  if (isSettled) facts.tests("begun while what was set was certain");
  if (possible.some(({ limit, paused }) => !paused && running <= limit)) return;
  const set = possible.map(({ limit, paused }) => paused ? "paused" : `limit ${limit}`).join(
    " or ",
  );
  facts.broken(
    possible.every(({ paused }) => paused) ? "queue pause" : "queue set --limit",
    `job ${key} began at ${begin} as number ${running} of queue ${queue}, which had ${set}: ` +
      facts.told(key),
  );
}

/**
 * Of so many begins that follow one another the last comes later than the rate's time after the
 * first: by the times of their claims, of which each lies before what the job itself noted. Where the
 * clock was set, those before and after it are not compared.
 */
function checkRate(facts: Facts, queue: string, begins: readonly Begin[]): void {
  const { count, within } = QUEUES[queue]!.rate!;
  const { clockChanges } = facts.ledger;
  const claims = begins.flatMap(({ key, run }) => {
    const attempt = facts.all.get(key)?.history.find(({ attempt }) => attempt === run.attempt);
    const isClear = !clockChanges.some((at) => at <= run.begin && at > run.begin - SETTLED);
    if (attempt === undefined || !isClear) return [];
    const era = clockChanges.filter((at) => at <= run.begin).length;
    return { key, era, begin: run.begin, at: attempt.startedAt };
  }).sort((a, b) => a.at - b.at);
  for (const own of Map.groupBy(claims, ({ era }) => era).values()) {
    for (let i = count; i < own.length; i++) {
      facts.tests("begun under a rate");
      const [first, last] = [own[i - count]!, own[i]!];
      if (last.at - first.at >= within) continue;
      facts.broken(
        "queue set --rate",
        `${count + 1} jobs of queue ${queue} were claimed within ${last.at - first.at} ms, from ` +
          `${first.key} at ${first.at} to ${last.key} at ${last.at}, and noted that they ran, at ` +
          `${first.begin} and ${last.begin}`,
      );
    }
  }
}
