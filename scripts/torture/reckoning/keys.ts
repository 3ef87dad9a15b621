// Of the jobs with one key at most one has not ended.
import { idOfKey } from "../ledger.ts";
import { PLANS } from "../schedule_log.ts";
import type { Facts } from "./facts.ts";

/** A time in which a job had certainly been enqueued and had not ended. */
interface Span {
  readonly key: string;
  readonly from: number;
  readonly to: number;
}

export function checkKeys(facts: Facts): void {
  checkMeetings(facts);
  const spans = new Map<string, Span[]>();
  for (const [key, from] of facts.ledger.acknowledged) {
    const { unique } = facts.ledger.orders.get(key) ?? {};
    const span = unique === undefined ? undefined : spanOf(facts, key, from);
    if (span !== undefined) spans.set(unique!, [...spans.get(unique!) ?? [], span]);
  }
  for (const [unique, own] of spans) checkSpans(facts, unique, own);
}

/**
 * From when it was acknowledged to the last that it noted of a run, if nobody put it back since: for
 * what was put back the lock of the key stands.
 */
function spanOf(facts: Facts, key: string, from: number): Span | undefined {
  const to = facts.runsOf(key).at(-1)?.begin ?? -Infinity;
  const { ledger } = facts;
  const isClear = !ledger.damaged.has(idOfKey(key)) && !ledger.mayBeRevived(key, from, to);
  return isClear && to > from ? { key, from, to } : undefined;
}

function checkSpans(facts: Facts, unique: string, spans: readonly Span[]): void {
  const inOrder = spans.toSorted((a, b) => a.from - b.from);
  inOrder.forEach((span, i) => {
    const before = inOrder[i - 1];
    if (before === undefined) return;
    facts.tests("jobs with the key of another one");
    if (before.to <= span.from) return;
    facts.broken(
      "--unique",
      `${before.key} and ${span.key} had the key ${unique} at once: ` +
        `${facts.told(before.key)}; acknowledged at ${span.from}: ${facts.told(span.key)}`,
    );
  });
}

/** No job met another one with its key while it ran. */
function checkMeetings(facts: Facts): void {
  const schedules = Object.values(PLANS).map(({ key }) => key);
  for (const { id, key } of facts.meetings) {
    const isScheduled = schedules.includes(key);
    const own = [...facts.all].filter(([, job]) => job.command.includes(` ${key} `));
    // Nobody could tell whether one had ended whose file was damaged. Those of a schedule may be
    // put back beside another: they have no key that the queue knows of.
    if ([...facts.ledger.damaged.keys()].some((other) => mayHave(facts, other, key))) continue;
    const isRevived = own.some(([one]) => facts.ledger.mayBeRevived(one));
    if (isScheduled && isRevived) continue;
    facts.broken(
      isScheduled ? "--overlap skip" : "--unique",
      `job ${id} ran beside another one with the key ${key}: ${facts.told(id)}`,
    );
  }
}

function mayHave(facts: Facts, id: string, key: string): boolean {
  return facts.ledger.orders.get(id)?.unique === key || id.startsWith(key.replace("schedule-", ""));
}
