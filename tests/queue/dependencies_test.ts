import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type Fate,
  findCircle,
  isFinal,
  meaningOf,
  settled,
  stillAwaitedBy,
} from "../../src/queue/dependencies.ts";
import { JOB_STATES } from "../../src/queue/job.ts";
import { expired, hasExpired } from "../../src/queue/start_by.ts";
import { isUniqueKey } from "../../src/queue/unique.ts";
import { QueueError } from "../../src/queue/errors.ts";
import { aJob, EPOCH } from "../support/jobs.ts";

const FATES: readonly Fate[] = [...JOB_STATES, "removed"];

Deno.test("meaningOf() says for every fate what it means to those that wait", () => {
  const meanings = (any: boolean) =>
    Object.fromEntries(FATES.map((fate) => [fate, meaningOf({ any }, fate)]));
  const waits = { pending: "wait", blocked: "wait", processing: "wait", failed: "wait" } as const;
  assertEquals(meanings(false), {
    ...waits,
    completed: "met",
    dead: "wait",
    cancelled: "vain",
    removed: "vain",
  });
  const met = { completed: "met", dead: "met", cancelled: "met", removed: "met" } as const;
  assertEquals(meanings(true), { ...waits, ...met });
});

Deno.test("settled() comes to the same in any order, and what was said twice changes nothing", () => {
  const ids = ["a", "b", "c", "d"];
  const fates = fc.record(
    Object.fromEntries(ids.map((id) => [id, fc.constantFrom(...FATES)])) as Record<
      string,
      fc.Arbitrary<Fate>
    >,
  );
  const order = fc.array(fc.constantFrom(...ids), { maxLength: 12 });
  const some = fc.subarray(ids);
  fc.assert(fc.property(fates, order, some, some, (fates, order, after, any) => {
    const afterAny = any.filter((id) => !after.includes(id));
    const start = aJob({ id: "j", after, afterAny });
    let job = start;
    for (const id of [...order, ...ids]) {
      const next = settled(job, id, fates[id]!, EPOCH + 5);
      assertEquals(settled(next, id, fates[id]!, EPOCH + 9), next);
      job = next;
    }
    const awaited = stillAwaitedBy(start);
    const meanings = awaited.map((one) => meaningOf(one, fates[one.id]!));
    const expected = awaited.length === 0
      ? "pending"
      : meanings.includes("vain")
      ? "cancelled"
      : meanings.every((meaning) => meaning === "met")
      ? "pending"
      : "blocked";
    assertEquals(job.status.state, expected);
    if (job.status.state !== "blocked") return;
    const left = awaited.filter(({ id, any }) => meaningOf({ any }, fates[id]!) !== "met");
    assertEquals(stillAwaitedBy(job), left);
  }));
});

Deno.test("isFinal() means that nothing more becomes of a job by itself", () => {
  assertEquals(FATES.filter(isFinal), ["completed", "dead", "cancelled", "removed"]);
});

Deno.test("findCircle() finds one if there is one, and each in it waits for the next", () => {
  const node = fc.integer({ min: 0, max: 7 }).map(String);
  const graph = fc.array(fc.tuple(node, fc.array(node, { maxLength: 3 })), { maxLength: 8 });
  fc.assert(fc.property(graph, (pairs) => {
    const waitsFor = new Map(pairs);
    const circle = findCircle(waitsFor);
    if (circle !== undefined) {
      assertEquals(circle[0], circle.at(-1));
      for (let i = 1; i < circle.length; i++) {
        assert(waitsFor.get(circle[i - 1]!)?.includes(circle[i]!));
      }
      return;
    }
    // Without one, there is always somebody who waits for nobody that is left.
    const left = new Map(waitsFor);
    while (left.size > 0) {
      const free = [...left].find(([, others]) => !others.some((id) => left.has(id)));
      assert(free !== undefined, "nobody can begin");
      left.delete(free[0]);
    }
  }));
  assertEquals(findCircle(new Map([["a", ["a"]]])), ["a", "a"]);
  const long = Array.from({ length: 20_000 }, (_, i) => [String(i), [String(i + 1)]] as const);
  assertEquals(findCircle(new Map(long)), undefined);
});

Deno.test("hasExpired() holds for what has not begun by its time, and for nothing else", () => {
  const job = aJob({ startBy: EPOCH + 10 });
  assertEquals([EPOCH + 10, EPOCH + 11].map((now) => hasExpired(job, now)), [false, true]);
  assertEquals(hasExpired(aJob(), EPOCH + 1e12), false);
  assert(expired(job, EPOCH) instanceof QueueError);
  const after = expired(aJob({ startBy: EPOCH, after: ["x"] }), EPOCH + 1);
  assert(!(after instanceof QueueError));
  assertEquals(after.status, { state: "cancelled", since: EPOCH + 1, reason: "expired" });
  // Put back by a person when its time was over.
  const again = { ...job, status: { state: "pending", since: EPOCH + 20, runAt: null } as const };
  assertEquals(hasExpired(again, EPOCH + 30), false);
});

Deno.test("isUniqueKey() takes 1 to 256 characters, none of them a control character", () => {
  for (const key of ["a", " ", "🚀".repeat(256), "a/../b"]) assert(isUniqueKey(key), key);
  for (const key of ["", "🚀".repeat(257), "a\tb", "\u0085", "\0"]) assert(!isUniqueKey(key));
});
