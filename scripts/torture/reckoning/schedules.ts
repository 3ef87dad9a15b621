// Each time of a schedule makes exactly one job, and what is no time of it makes none.
import { idOf, PLANS, timesOf } from "../schedule_log.ts";
import type { Facts } from "./facts.ts";

export function checkSchedules(facts: Facts): void {
  for (const name of Object.keys(PLANS)) checkSchedule(facts, name);
}

function checkSchedule(facts: Facts, name: string): void {
  const plan = PLANS[name]!;
  const story = facts.scene.schedules.stories.get(name);
  if (story === undefined) return;
  const { createdAt, until, silences } = story;
  const form = new RegExp(`^${name}-\\d{8}T\\d{6}Z$`);
  const fired = new Set([...facts.all.keys(), ...facts.runs.keys()].filter((id) => form.test(id)));
  const due = timesOf(plan, createdAt, until);
  // What falls due while the last `start` drains may have been fired or not.
  const times = new Map(
    timesOf(plan, createdAt, Date.now() + plan.every).map((time) => [idOf(name, time), time]),
  );
  for (const id of fired) {
    const time = times.get(id);
    facts.tests("jobs of schedules");
    if (time === undefined) {
      facts.broken("schedules", `${id} is at no time of ${name}, added at ${createdAt}`);
    } else if (silences.some(({ from, to }) => time > from && time < to)) {
      facts.broken("schedule pause", `${id} was made, though ${name} was paused then`);
    }
  }
  if (!plan.isStrict) return;
  for (const time of due) {
    const id = idOf(name, time);
    facts.tests("times of schedules");
    if (fired.has(id) || facts.ledger.isExcused(id)) continue;
    facts.broken("schedules", `${name} made no job at ${time}: ${id} is not there`);
  }
}
