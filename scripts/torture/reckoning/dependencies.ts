// Jobs that wait for others begin when these have completed, or ended, and wait for ever only for
// one that is dead.
import type { Job } from "../../../src/queue/job.ts";
import type { Facts, Run } from "./facts.ts";

export function checkDependencies(facts: Facts): void {
  for (const [key, job] of facts.all) {
    if (facts.ledger.isExcused(key)) continue;
    const asked = facts.ledger.orders.get(key) ?? job;
    // One that was called off, and then put back by a user, waits for nothing any more.
    const isRevived = facts.ledger.mayBeRetried(key);
    const first = facts.runsOf(key)[0];
    if (first !== undefined && !isRevived) {
      for (const id of asked.after) checkCompleted(facts, key, first, id);
      for (const id of asked.afterAny) checkEnded(facts, key, first, id);
    }
    if (job.status.state === "blocked") checkBlocked(facts, key, job);
  }
}

/** The other one has noted a success before this one began. */
function checkCompleted(facts: Facts, key: string, first: Run, id: string): void {
  if (facts.ledger.damaged.has(id)) return;
  facts.tests("begun after others had completed");
  const runs = facts.runsOf(id);
  if (runs.some(({ code, end }) => code === 0 && end! <= first.begin)) return;
  facts.broken(
    "--after",
    `job ${key} began at ${first.begin}, before ${id} had completed: ${facts.told(id)}`,
  );
}

/** The other one does not run then, nor later, unless a user puts it back. */
function checkEnded(facts: Facts, key: string, first: Run, id: string): void {
  if (facts.ledger.damaged.has(id)) return;
  facts.tests("begun after others had ended");
  const wrong = facts.runsOf(id).find(({ begin, end, code }) =>
    (begin > first.begin || code !== undefined && end! > first.begin) &&
    !facts.ledger.mayBeRevived(id, -Infinity, begin)
  );
  if (wrong === undefined) return;
  facts.broken(
    "--after-any",
    `job ${key} began at ${first.begin}, before ${id} had ended: ${facts.told(id)}`,
  );
}

/** In the end it waits for one that is dead, or that waits for such a one itself. */
function checkBlocked(facts: Facts, key: string, { after, afterAny }: Job): void {
  facts.tests("blocked in the end");
  const others = [...after, ...afterAny];
  if (others.some((id) => facts.ledger.damaged.has(id))) return;
  const states = others.map((id) => facts.jobs.get(id)?.status.state ?? "gone");
  const isRight = after.some((_, i) => states[i] === "dead") || states.includes("blocked");
  // One that is needed, and was called off or removed, does so much to those that need it. But
  // it counts for good if it had completed before.
  if (isRight) return;
  const told = others.map((id, i) => `${id} is ${states[i]}`).join(", ");
  facts.broken("--after", `job ${key} is blocked in the end, though ${told}`);
}
