// Every schedule of two processes: A does i operations, B does j, A goes on to its end, then B. Or
// A dies after its i operations. If it is to go deep, A stops once more, and B ends first.
//
// Many schedules are equivalent, and only one of them is run. Two operations that do not depend on
// one another (neither changes what the other reads or changes) can be swapped without a
// difference. So (i, j) is the same as (i, j - 1) if B's operation j depends on none that A still
// has to do, since it could come after them. And (i, j) is the same as (i + 1, j) if A's operation
// i + 1 depends on none of B's first j, since it could come before them. Each such step makes j
// smaller or i greater, so it ends at a schedule that is run.
//
// All of it takes minutes. So a third of the pairs of operations is run, and a part of the schedules
// of long processes, which have thousands: always the same ones, unless INTERLEAVINGS=all asks for
// all, as CI does.
import { Access, type SimDisk } from "../support/sim_disk.ts";
import { type Outcome, type Program, type Run, run, type Step } from "./gated_process.ts";
import { DATA, type Operation, recovery, WORLD } from "./operations.ts";
import { judge, type Verdict } from "./verdict.ts";

/** More operations than any process does that does not wait for the other. */
const PATIENCE = 1500;

const IS_WHOLE = Deno.env.get("INTERLEAVINGS") === "all";

/** Of how many pairs of steps the schedules are run, unless all are; see `partOf`. */
const PAIRS = IS_WHOLE ? Infinity : 400;

/** Whether two operations are tried together: all are, or each with a third of the others. */
export function isTried(all: readonly Operation[], a: Operation, b: Operation): boolean {
  return IS_WHOLE || (all.indexOf(a) + all.indexOf(b)) % 3 === 0;
}

export interface Failure {
  readonly pair: string;
  readonly schedule: string;
  readonly problem: string;
  readonly steps: readonly string[];
}

/** Which one to run: A stops after i operations, B after j, A again after k if that is given. */
export interface Schedule {
  readonly i: number;
  readonly j: number;
  readonly k: number | undefined;
}

export interface Result {
  schedules: number;
  waits: number;
  readonly failures: Failure[];
}

/** What is allowed to come out. */
interface Allowed {
  /** Outcomes and jobs of one process after the other, as texts. */
  readonly whole: ReadonlySet<string>;
  /** The jobs of each order, and what B said in it. */
  readonly orders: readonly { readonly b: string; readonly verdict: Verdict }[];
  /** Jobs that come to the same whether A and B are there or not. */
  readonly untouched: ReadonlySet<string>;
  /** What A leaves that has died, without B. */
  readonly left?: Verdict;
}

const NOTHING = new Access();
const GIVEN_UP: Outcome = { kind: "refused", code: "refused", message: "" };
const A = 1;
const B = 2;
/** One that dies before the two begin. */
const C = 3;

export async function explore(
  start: SimDisk,
  a: Operation,
  b: Operation,
  { isDeep = false, only, pairs = PAIRS }: {
    isDeep?: boolean;
    only?: Schedule | undefined;
    pairs?: number;
  } = {},
): Promise<Result> {
  const result: Result = { schedules: 0, waits: 0, failures: [] };
  const disk = start.copyOf({ locks: true });
  takeWorkerLocks(disk, [[A, a.worker], [B, b.worker]]);
  const copy = (of: SimDisk) => of.copyOf({ locks: true });
  const alone = await run(copy(disk), A, a.program);
  const { allowed, allowedCrash } = await allowedAfter(disk, a, b);
  const isComposed = (a.isComposed || b.isComposed) ?? false;
  const isFree = a.isFree || b.isFree;
  const { steps } = alone;
  let whole: Run | undefined;

  for (let i = 0; i <= steps.length; i++) {
    if (only !== undefined && only.i !== i) continue;
    const before = steps.slice(0, i);
    const last = steps[i - 1];
    const isNew = last === undefined || last.access.changes.length + last.access.counts.length > 0;
    let stopped: SimDisk | undefined;
    const stop = async () => {
      if (stopped === undefined) {
        stopped = copy(disk);
        await run(stopped, A, a.program, { until: i });
      }
      return copy(stopped);
    };

    // A dies here. What only looks leaves the same as the one before it.
    if (i < steps.length && isNew) {
      const dead = await stop();
      dead.die(A);
      const left = await judge(copy(dead));
      const after = await run(dead, B, b.program);
      const says = `A dies after ${i}`;
      await settle(dead, { ...allowedCrash, left }, true, after, says, before, after.steps);
    }

    // What B does from here on is the same again if it does not depend on the last step of A.
    if (whole === undefined || last === undefined || touches(whole.steps, [last])) {
      whole = await run(await stop(), B, b.program, { until: PATIENCE });
    }
    if (i === steps.length) {
      const end = await stop();
      const after = await run(end, B, b.program);
      await settle(end, allowed, isComposed, after, `(${i}, all)`, before, after.steps, alone);
      break;
    }
    const next = together([steps[i]!]);
    const first = whole.steps.findIndex((step) => dependsOn(step.access, next));
    if (first === -1) continue;
    const until = patienceOf(whole, result);
    const isPart = partOf(steps.length * until, pairs);
    for (let j = first + 1; j <= until;) {
      if (only !== undefined) j = only.j;
      else if (!isPart(i, j)) {
        j++;
        continue;
      }
      const here = await stop();
      const partB = await run(here, B, b.program, { until: j });
      const endA = await run(here, A, a.program, { done: before });
      const endB = await goOn(here, B, b.program, partB);
      if (only?.k === undefined) {
        await settle(here, allowed, isComposed, endB, `(${i}, ${j})`, before, partB.steps, endA);
      }
      if (isDeep || only?.k !== undefined) await switchAgain(stop, i, partB, endA, endB);
      if (only !== undefined || partB.outcome !== undefined) break;
      const rest = together(endA.steps.slice(i));
      j++;
      while (j <= until && !dependsOn(endB.steps[j - 1]?.access ?? NOTHING, rest)) j++;
    }
  }
  return result;

  /** A stops once more before its operation k, and B ends first. */
  async function switchAgain(
    stop: () => Promise<SimDisk>,
    i: number,
    partB: Run,
    endA: Run,
    endB: Run,
  ): Promise<void> {
    const j = partB.steps.length;
    let rest = together(endB.steps.slice(j));
    for (let k = endA.steps.length - 1; k > i; k--) {
      if (only?.k === undefined ? !dependsOn(endA.steps[k]!.access, rest) : k !== only.k) continue;
      const here = await stop();
      const until = { done: steps.slice(0, i), until: k };
      await run(here, B, b.program, { until: j });
      const partA = await run(here, A, a.program, until);
      const lastB = await goOn(here, B, b.program, partB);
      const lastA = await goOn(here, A, a.program, partA);
      const says = `(${i}, ${j}, ${k})`;
      await settle(here, allowed, isComposed, lastB, says, partA.steps, partB.steps, lastA);
      rest = together(lastB.steps.slice(j));
    }
  }

  async function settle(
    here: SimDisk,
    allowed: Allowed,
    eachAlone: boolean,
    endB: Run,
    schedule: string,
    stepsA: readonly Step[],
    stepsB: readonly Step[],
    endA?: Run,
  ): Promise<void> {
    result.schedules++;
    const verdict = await judge(here);
    const problems = [...verdict.problems];
    for (const [name, outcome] of [[a.name, endA?.outcome], [b.name, endB.outcome]] as const) {
      const isLooking = name === a.name ? a.isLooking : b.isLooking;
      if (outcome?.kind === "done" && isLooking && !a.replacesAll && !b.replacesAll) {
        const missing = allowed.untouched.difference(new Set(outcome.value as string[]));
        if (missing.size > 0) problems.push(`${name} does not see ${[...missing]}`);
      }
      if (outcome?.kind !== "broken") continue;
      const { error } = outcome;
      problems.push(`${name} ends with ${error instanceof Error ? error.stack : error}`);
    }
    if (isFree) {
      // Nothing more can be said.
    } else if (!eachAlone && problems.length === 0) {
      const text = textOf(endA?.outcome, endB.outcome, verdict, a, b);
      if (!allowed.whole.has(text)) {
        problems.push(
          `is like neither after the other:\n      ${differences(text, allowed.whole)}`,
        );
      }
    } else if (problems.length === 0) {
      // Each job by itself. What B said has to be true, where it can be said at all.
      const same = allowed.orders.filter(({ b }) => b === saying(endB.outcome));
      const orders = (same.length > 0 && !b.isComposed ? same : allowed.orders)
        .map(({ verdict }) => verdict.jobs);
      const { jobs } = verdict;
      const { left, orders: [, , alone, before] } = allowed;
      for (const id of new Set([...jobs.keys(), ...orders.flatMap((one) => [...one.keys()])])) {
        if (orders.some((one) => one.get(id) === jobs.get(id))) continue;
        // As A left it that died, unless B says that it has done something else with it.
        const isBs = alone?.b === saying(endB.outcome) &&
          alone.verdict.jobs.get(id) !== before?.verdict.jobs.get(id);
        if (left !== undefined && left.jobs.get(id) === jobs.get(id) && !isBs) continue;
        const others = new Set(orders.map((one) => one.get(id)));
        problems.push(
          `${id} is ${jobs.get(id)}, and may be\n      ${[...others].join("\n      ")}`,
        );
      }
    }
    if (problems.length === 0) return;
    result.failures.push({
      pair: `${a.name} | ${b.name}`,
      schedule,
      problem: problems.join("\n    "),
      steps: [
        ...stepsA.slice(-2).map((step) => `A ${show(step)}`),
        ...stepsB.slice(-2).map((step) => `B ${show(step)}`),
      ],
    });
  }
}

/**
 * Says whether a schedule belongs to the part that is run of those that switch at one of `all` pairs
 * of operations: about as many as `pairs` have, spread over all of them.
 */
function partOf(all: number, pairs: number): (i: number, j: number) => boolean {
  if (all <= pairs) return () => true;
  // The golden ratio spreads whole numbers evenly over the fractions; 977 has nothing to do with it.
  return (i, j) => ((i * 977 + j) * 0.6180339887498949) % 1 < pairs / all;
}

/** Where B does the same again and again because it waits for A, only its first rounds count. */
function patienceOf(whole: Run, result: Result): number {
  const seen = new Map<string, number>();
  if (whole.steps.length < 500) return whole.steps.length;
  result.waits++;
  for (const [index, { operation, path }] of whole.steps.entries()) {
    const times = (seen.get(operation + path) ?? 0) + 1;
    seen.set(operation + path, times);
    if (times > 8) return index;
  }
  return whole.steps.length;
}

/** The states that a process leaves which dies, where there is something left to do for others. */
export async function remains(start: SimDisk, dead: Operation): Promise<[string, SimDisk][]> {
  const disk = start.copyOf({ locks: true });
  takeWorkerLocks(disk, [[C, dead.worker]]);
  const { steps } = await run(disk.copyOf({ locks: true }), C, dead.program);
  const result = new Map<string, [string, SimDisk]>();
  for (const [index, { access }] of steps.entries()) {
    if (index === 0 || access.changes.length + access.counts.length === 0) continue;
    const left = disk.copyOf({ locks: true });
    await run(left, C, dead.program, { until: index + 1 });
    left.die(C);
    const { steps: others } = await run(left.copyOf({ locks: true }), A, recovery);
    if (others.every(({ access }) => access.counts.length === 0)) continue;
    result.set(left.fingerprint(), [`${dead.name} dies after ${index + 1}`, left]);
  }
  return [...result.values()];
}

/** Workers live as long as their processes do; `worker-1` also where none of these is its own. */
function takeWorkerLocks(disk: SimDisk, workers: [actor: number, name?: string | undefined][]) {
  const lock = (name: string) => `${DATA}/workers/${name}.lock`;
  const others: typeof workers = disk.info(lock("worker-1")) ? [[WORLD, "worker-1"]] : [];
  for (const [actor, name] of [...workers, ...others]) {
    if (name === undefined) continue;
    disk.actor = actor;
    disk.lock(lock(name));
    disk.actor = 0;
  }
}

/**
 * What A and B come to one after the other, in either order. If A may die, also B without A, and
 * what there was before: B may be refused because of what A has not finished.
 */
async function allowedAfter(
  disk: SimDisk,
  a: Operation,
  b: Operation,
): Promise<{ allowed: Allowed; allowedCrash: Allowed }> {
  const whole = new Set<string>();
  const orders: { b: string; verdict: Verdict }[] = [];
  for (const order of [[A, B], [B, A], [B], [], [A]]) {
    const here = disk.copyOf({ locks: true });
    const outcomes: (Outcome | undefined)[] = [];
    for (const actor of order) {
      outcomes[actor] = (await run(here, actor, actor === A ? a.program : b.program)).outcome;
    }
    const verdict = await judge(here);
    const said = order.length > 0 ? saying(outcomes[B]) : "refused duplicate_id";
    orders.push({ b: said, verdict });
    // Whoever finds the other at work may give up and say so; then it has done nothing.
    const says = (actor: number) => order.includes(actor) ? outcomes[actor] : GIVEN_UP;
    whole.add(textOf(says(A), says(B), verdict, a, b));
  }
  const untouched = new Set(
    [...orders[3]!.verdict.jobs.keys()].filter((id) =>
      orders.every(({ verdict }) => verdict.jobs.get(id) === orders[3]!.verdict.jobs.get(id))
    ),
  );
  const isComposed = a.isComposed || b.isComposed;
  const possible = isComposed ? orders : orders.slice(0, 2);
  return {
    allowed: { whole, orders: possible, untouched },
    allowedCrash: { whole, orders: orders.slice(0, 4), untouched },
  };
}

function saying(outcome: Outcome | undefined): string {
  return outcome?.kind === "done"
    ? `done ${JSON.stringify(outcome.value)}`
    : outcome?.kind === "refused"
    ? `refused ${outcome.code}`
    : "broken";
}

function textOf(
  outcomeA: Outcome | undefined,
  outcomeB: Outcome | undefined,
  { jobs }: Verdict,
  a: Operation,
  b: Operation,
): string {
  const said = [
    a.isLooking ? "looked" : saying(outcomeA),
    b.isLooking ? "looked" : saying(outcomeB),
  ];
  return [...said, ...[...jobs.values()].sort()].join("\n");
}

function differences(text: string, allowed: ReadonlySet<string>): string {
  const lines = text.split("\n");
  return [...allowed].map((one) => {
    const others = one.split("\n");
    const wrong = lines.filter((line) => !others.includes(line));
    const missing = others.filter((line) => !lines.includes(line));
    return `has ${wrong.join(" ; ")}\n        and not ${missing.join(" ; ")}`;
  }).join("\n      or ");
}

/** What several operations look at and change. */
interface Accesses {
  readonly looks: ReadonlySet<string>;
  readonly changes: ReadonlySet<string>;
  readonly counts: ReadonlySet<string>;
}

function together(steps: readonly Step[]): Accesses {
  const all = { looks: new Set<string>(), changes: new Set<string>(), counts: new Set<string>() };
  for (const { access } of steps) {
    for (const one of access.looks) all.looks.add(one);
    for (const one of access.changes) all.changes.add(one);
    for (const one of access.counts) all.counts.add(one);
  }
  return all;
}

/** Whether some of these operations depend on some of those. */
function touches(steps: readonly Step[], others: readonly Step[]): boolean {
  const all = together(others);
  return steps.some(({ access }) => dependsOn(access, all));
}

/** Lets a process that was stopped run to its end. */
async function goOn(disk: SimDisk, actor: number, program: Program, part: Run): Promise<Run> {
  return part.outcome !== undefined ? part : await run(disk, actor, program, { done: part.steps });
}

function dependsOn({ looks, changes, counts }: Access, others: Accesses): boolean {
  return changes.some((one) => others.changes.has(one) || others.looks.has(one)) ||
    looks.some((one) => others.changes.has(one) || others.counts.has(one)) ||
    counts.some((one) => others.looks.has(one));
}

function show({ operation, path, error }: Step): string {
  return `${operation} ${path}${error === undefined ? "" : ` (${(error as Error).name})`}`;
}
