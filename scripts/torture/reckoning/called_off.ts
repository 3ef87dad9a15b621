// What was called off does not run: by a user, with its group, with another that it waited for, or
// because it had not begun in time.
import { TICK, uptime } from "../ledger.ts";
import type { Facts } from "./facts.ts";

/** Milliseconds from a claim to what the job itself notes, on a machine that is overloaded. */
const SLOW = 15_000;

export function checkCalledOff(facts: Facts): void {
  checkCancelled(facts);
  checkEnded(facts);
  checkReasons(facts);
  checkStartBy(facts);
}

/** One that was said to be cancelled is, and does not begin after that. */
function checkCancelled(facts: Facts): void {
  const { ledger } = facts;
  for (const [key, at] of ledger.cancelled) {
    if (ledger.isExcused(key)) continue;
    facts.tests("called off, then not run");
    const state = facts.all.get(key)?.status.state;
    if (state !== "cancelled" && !ledger.mayBeRetried(key, at)) {
      facts.broken("job cancel", `job ${key} was said to be cancelled, and is ${state}`);
    }
    checkSilence(facts, key, at, "was said to be cancelled");
  }
}

/** Of a group that was called off none begins afterwards. */
function checkEnded(facts: Facts): void {
  for (const [key, at] of facts.ledger.ended) {
    if (facts.ledger.isExcused(key)) continue;
    facts.tests("jobs of cancelled groups");
    checkSilence(facts, key, at, "had ended, since its group was cancelled,");
  }
}

function checkSilence(facts: Facts, key: string, at: number, what: string): void {
  const late = facts.runsOf(key).find(({ begin }) => begin > at + TICK);
  if (late !== undefined && !facts.ledger.mayBeRevived(key, at, late.begin)) {
    facts.broken("job cancel", `job ${key} ${what} at ${at}, and ran: ${facts.told(key)}`);
  }
}

/** What is cancelled with another one, or has expired, has never run. */
function checkReasons(facts: Facts): void {
  for (const [key, { status }] of facts.all) {
    if (status.state !== "cancelled" || status.reason === null) continue;
    if (facts.ledger.isExcused(key) || facts.ledger.mayBeRetried(key)) {
      continue;
    }
    const isExpired = status.reason === "expired";
    facts.tests(isExpired ? "expired jobs" : "jobs cancelled with another");
    if (facts.runsOf(key).length > 0) {
      facts.broken(isExpired ? "--start-by" : "--after", `job ${key} ran: ${facts.told(key)}`);
    }
  }
}

/** What had to begin by a time has its first claim by then, and its first run not long after. */
function checkStartBy(facts: Facts): void {
  const { ledger, scene } = facts;
  const toUptime = uptime() - Date.now();
  for (const [key, job] of facts.all) {
    const [first, run] = [job.history[0], facts.runsOf(key)[0]];
    const isRevived = ledger.mayBeRetried(key);
    const asked = ledger.orders.get(key)?.startBy;
    if (asked !== undefined && job.startBy === null && !isRevived && !ledger.isExcused(key)) {
      facts.broken("--start-by", `job ${key} has none, and ${asked} was asked for`);
    }
    if (job.startBy === null || run === undefined || first === undefined) continue;
    if (ledger.isExcused(key) || isRevived) continue;
    facts.tests("begun by the time given");
    const late = `job ${key}, to begin by ${job.startBy}`;
    if (first.startedAt > job.startBy) {
      facts.broken("--start-by", `${late}, was claimed at ${first.startedAt}: ${facts.told(key)}`);
    }
    // The clock may have been set meanwhile, by a minute at most.
    const wasSet = ledger.clockChanges.some((at) => at > run.begin - 2 * SLOW);
    if (!wasSet && scene.clockOffset === 0 && run.begin > job.startBy + toUptime + SLOW) {
      facts.broken("--start-by", `${late}, noted its begin at ${run.begin}: ${facts.told(key)}`);
    }
  }
}
