// Each end of a job, completed or dead, makes exactly one hook job.
import type { Job } from "../../../src/queue/job.ts";
import type { Attempt } from "../../../src/queue/outcome.ts";
import type { Facts } from "./facts.ts";

const PROMISE = "hooks";

/** What a hook was told of, and when the attempt had begun, so that ids may be used again. */
const endOf = (id: string, state: string, attempts: number, startedAt: string) =>
  `${id} ${state} ${attempts} ${startedAt}`;

export function checkHooks(facts: Facts): void {
  const hooks = hooksByEnd(facts);
  for (const [key, job] of facts.all) {
    if (job.id.startsWith("hook-") || facts.ledger.isExcused(key)) continue;
    for (const attempt of job.history) checkAttempt(facts, key, job, attempt, hooks);
  }
}

/** The hooks' ids, by what they were told: as the queue has it, and as they noted it themselves. */
function hooksByEnd(facts: Facts): Map<string, Set<string>> {
  const hooks = new Map<string, Set<string>>();
  const see = (id: string, of: string, state: string, attempts: number) => {
    const end = endOf(of, state, attempts, id.split("-").at(-1)!);
    hooks.set(end, (hooks.get(end) ?? new Set()).add(id));
  };
  for (const { id, of, state, attempts } of facts.hookNotes) see(id, of, state, attempts);
  for (const { id, env } of facts.all.values()) {
    const of = env["QUEUECTL_HOOK_JOB_ID"];
    if (of === undefined) continue;
    see(id, of, env["QUEUECTL_HOOK_STATE"]!, Number(env["QUEUECTL_HOOK_ATTEMPTS"]));
  }
  return hooks;
}

function checkAttempt(
  facts: Facts,
  key: string,
  job: Job,
  { attempt, outcome, startedAt }: Attempt,
  hooks: ReadonlyMap<string, ReadonlySet<string>>,
): void {
  const since = startedAt.toString(36);
  const of = (state: string) => [...hooks.get(endOf(job.id, state, attempt, since)) ?? []];
  const [completed, dead] = [of("completed"), of("dead")];
  const isLast = attempt === job.history.at(-1)!.attempt;
  const isSuccess = outcome === "succeeded";
  const isDead = isLast && job.status.state === "dead";
  // After an earlier attempt it may have been dead, too, if somebody put it back since.
  const mayBeDead = isDead || !isSuccess && facts.ledger.mayBeRevived(key);
  const told = `attempt ${attempt} of job ${key} (${outcome}) made`;
  const many = [...completed, ...dead];
  if (many.length > 1) facts.broken(PROMISE, `${told} ${many.length} hooks: ${many.join()}`);
  if (completed.length > 0 && !isSuccess || dead.length > 0 && !mayBeDead) {
    facts.broken(PROMISE, `${told} ${many.join()}: ${facts.told(key)}`);
  }
  if (!isSuccess && !isDead) return;
  facts.tests("ends with a hook");
  // If it was removed or damaged it is in neither; nobody else knows its id than the rule for it.
  const id = `hook-${job.id}-${attempt}-${since}`;
  if (many.length > 0 || facts.ledger.isExcused(id)) return;
  facts.broken(PROMISE, `${told} none: ${facts.told(key)}`);
}
