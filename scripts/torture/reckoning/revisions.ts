// What a user has changed of a job is as it was changed last.
import type { Facts } from "./facts.ts";

export function checkRevisions(facts: Facts): void {
  for (const [key, revision] of facts.ledger.revisions) {
    const job = facts.all.get(key);
    if (revision === undefined || job === undefined || facts.ledger.isExcused(key)) continue;
    for (const [name, value] of Object.entries(revision)) {
      facts.tests("changes of jobs");
      const is = job[name as keyof typeof revision];
      if (is !== value) {
        facts.broken("job update", `${name} of job ${key} was set to ${value}, and is ${is}`);
      }
    }
  }
}
