// What was acknowledged is there, of a batch all or nothing, and what was removed is not.
import { isMendable } from "../faults/damage.ts";
import { idOfKey } from "../ledger.ts";
import type { Facts } from "./facts.ts";

export function checkKept(facts: Facts): void {
  checkAcknowledged(facts);
  checkBatches(facts);
  for (const key of facts.ledger.removed) {
    if (facts.jobs.has(key)) {
      facts.broken("removals", `job ${key} was said to be removed, and is there`);
    }
  }
}

function checkAcknowledged(facts: Facts): void {
  const { ledger, scene } = facts;
  for (const key of ledger.acknowledged.keys()) {
    if (facts.all.has(key) || ledger.mayBeRemoved(key)) continue;
    const how = ledger.damaged.get(idOfKey(key));
    if (how === undefined) facts.broken("none is lost", `job ${key} was acknowledged, and is gone`);
    else {
      scene.did("jobs lost by damage", `${key} ${how}`);
      if (isMendable(how)) {
        facts.broken(
          "damage",
          `job ${key}, whose file was ${how}, could have been saved, and is gone`,
        );
      }
    }
  }
}

function checkBatches(facts: Facts): void {
  for (const keys of facts.ledger.batches) {
    const there = keys.filter((key) => facts.all.has(key));
    const gone = keys.filter((key) => !there.includes(key) && !facts.ledger.isExcused(key));
    if (there.length > 0 && gone.length > 0) {
      facts.broken(
        "a batch wholly or not at all",
        `${there.length} of its jobs are there, and ${gone.length} are not, such as ${gone[0]}`,
      );
    }
  }
}
