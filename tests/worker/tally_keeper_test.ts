// A worker's counts on their way to the store.
import { assertEquals } from "@std/assert";
import { added, NOTHING, type Tally } from "../../src/queue/tally.ts";
import { TallyKeeper } from "../../src/worker/tally_keeper.ts";
import { anAttempt, EPOCH } from "../support/jobs.ts";
import { waitUntil } from "../support/wait_until.ts";

const ATTEMPT = anAttempt("q", "succeeded", EPOCH, EPOCH + 10);

function world() {
  const calls: [string, Tally][] = [];
  const state = { name: "w-1" as string | undefined, isFull: false };
  const keeper = new TallyKeeper({
    name: () => state.name,
    tallies: {
      add(name, more) {
        if (state.isFull) return Promise.reject(new Error("No space left"));
        calls.push([name, more]);
        return Promise.resolve();
      },
      total: () => Promise.resolve(NOTHING),
    },
  });
  const succeeded = () =>
    calls.map(([, tally]) => tally).reduce(added, NOTHING).attempts.get("q")?.succeeded ?? 0;
  return { keeper, calls, state, succeeded };
}

Deno.test("TallyKeeper hands many ends over in one write, by itself", async () => {
  const { keeper, calls, succeeded } = world();
  for (let i = 0; i < 100; i++) keeper.count(...ATTEMPT);
  await waitUntil(() => succeeded() === 100);
  assertEquals(calls.map(([name]) => name), ["w-1"]);
  await keeper.flush();
  assertEquals(calls.length, 1);
});

Deno.test("TallyKeeper keeps what could not be written for the next time", async () => {
  const { keeper, state, succeeded } = world();
  state.isFull = true;
  keeper.count(...ATTEMPT);
  await keeper.flush();
  state.isFull = false;
  keeper.count(...ATTEMPT);
  await keeper.flush();
  assertEquals(succeeded(), 2);
});

Deno.test("TallyKeeper writes nothing under a name that another has by now", async () => {
  const { keeper, calls, state } = world();
  state.name = undefined;
  keeper.count(...ATTEMPT);
  await keeper.flush();
  assertEquals(calls, []);
});
