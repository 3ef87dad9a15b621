// Every pair of operations as two processes, switched at every pair of their file operations, and
// with the first one dying at each of its own. Then the same with a third one that has died before,
// at each of its operations, so that the two find what it has left. See explore.ts for what is run
// and what is not, and verdict.ts for what must hold.
//
// To run one pair, or one schedule of it, again (a third number stops the first process once more):
//   deno test -A --no-check tests/interleavings --filter "cancel | claim"
//   INTERLEAVING=18,4 deno test -A --no-check tests/interleavings --filter "cancel | claim"
//   INTERLEAVINGS=all deno test -A --no-check tests/interleavings --filter "cancel | repair"
//   DIES_AFTER=14 deno test -A --no-check tests/interleavings --filter "remove dies"
import { assertEquals } from "@std/assert";
import { explore, type Failure, isTried, remains } from "./explore.ts";
import { installClocks } from "./gated_process.ts";
import { DATA, NOW, type Operation, OPERATIONS, prepared } from "./operations.ts";
import { judge } from "./verdict.ts";

const busy = await prepared();
const quiet = await prepared({ quiet: true });
installClocks(NOW);
const [i, j, k] = (Deno.env.get("INTERLEAVING") ?? "").split(",").map(Number);
const only = i === undefined || j === undefined ? undefined : { i, j, k };
// Where errors are thrown by the thousand their stacks take half of the time.
if (only === undefined) Error.stackTraceLimit = 0;
const RECOVER = OPERATIONS.find(({ name }) => name === "recover")!;
/** So many failures of a pair are told. */
const TOLD = 3;

Deno.test("the queue that the operations find is as it should be", async () => {
  assertEquals((await judge(busy.copyOf())).problems, []);
  assertEquals((await judge(quiet.copyOf())).problems, []);
});

for (const a of OPERATIONS) {
  for (const b of OPERATIONS) {
    if (!fit(a, b) || !isTried(OPERATIONS, a, b)) continue;
    Deno.test(`${a.name} | ${b.name}`, async () => {
      const isQuiet = a.isQuiet || b.isQuiet;
      const isDeep = (a.isLong && b.isShort) ?? false;
      const { failures, schedules } = await explore(isQuiet ? quiet : busy, a, b, { isDeep, only });
      assertEquals(failures.length, 0, `${schedules} schedules\n${tell(failures)}`);
    });
  }
}

/** What others do on a queue in which somebody has died over something: one of them recovers it. */
const AFTERWARDS = ["recover", "repair", "claim", "cleanup", "add d1 again"];
/** Half a restore is completed by whoever opens the queue: what comes then is all the same. */
const AFTER_RESTORE = ["recover", "repair"];

for (const dead of OPERATIONS.filter(({ isForSuccessor }) => !isForSuccessor)) {
  const others = OPERATIONS.filter((other) =>
    (other === dead ||
      (dead.replacesAll ? AFTER_RESTORE : AFTERWARDS).includes(other.name)) &&
    fit(other, dead) &&
    isTried(OPERATIONS, dead, other)
  );
  if (others.length === 0) continue;
  const start = dead.isQuiet ? quiet : busy;
  const left = (await remains(start, dead)).filter(([, disk]) =>
    !dead.replacesAll || disk.info(`${DATA}/restoring`) !== undefined
  );
  for (const other of left.length > 0 ? others : []) {
    Deno.test(`${dead.name} dies | recover | ${other.name}`, async () => {
      const problems: string[] = [];
      let schedules = 0;
      for (const [says, disk] of left) {
        if (Deno.env.get("DIES_AFTER") && !says.endsWith(` ${Deno.env.get("DIES_AFTER")}`)) {
          continue;
        }
        const result = await explore(disk, RECOVER, other, { only });
        schedules += result.schedules;
        if (result.failures.length > 0) problems.push(`${says}:\n${tell(result.failures)}`);
      }
      assertEquals(problems.length, 0, `${schedules} schedules\n${problems.join("\n")}`);
    });
  }
}

/** Whether these two can be there at once: a worker is one process, and some find no workers. */
function fit(a: Operation, b: Operation): boolean {
  const isQuiet = a.isQuiet || b.isQuiet;
  return isQuiet
    ? a.worker === undefined && b.worker === undefined
    : a.worker === undefined || a.worker !== b.worker;
}

function tell(failures: readonly Failure[]): string {
  return failures.slice(0, TOLD).map(({ schedule, problem, steps }) =>
    `${schedule}: ${problem}\n      ${steps.join("\n      ")}`
  ).join("\n");
}
