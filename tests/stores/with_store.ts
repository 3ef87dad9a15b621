// Shared by the parts of the conformance suite: each test has its own store and clock.
import type { JobStore } from "../../src/queue/store.ts";

/** `again` opens the same store once more. */
export type StoreTest = (store: JobStore, again: () => Promise<JobStore>) => Promise<void>;

/** Gives `test` a new, empty store, and clears away. */
export type WithStore = (test: StoreTest, now: () => number) => Promise<void>;

/**
 * Declares tests of the store that is called `name`.
 * @param clock its time, and what sets that back before each test
 */
export function testsOf(
  name: string,
  withStore: WithStore,
  { now, begin = () => {} }: { now: () => number; begin?: () => void },
): (says: string, body: StoreTest) => void {
  return (says, body) =>
    Deno.test(`${name}: ${says}`, async () => {
      begin();
      await withStore(body, now);
    });
}
