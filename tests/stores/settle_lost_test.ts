// Two who settle the jobs of a lost worker at the same time, and a third who takes its name.
import { assertEquals } from "@std/assert";
import { DEFAULT_SETTINGS } from "../../src/queue/settings.ts";
import { MemoryStore } from "../../src/stores/memory/store.ts";
import { type LostPlaces, settleLost } from "../../src/stores/shared/settle_lost.ts";
import { aJob } from "../support/jobs.ts";

const W1 = { worker: "worker-1", pid: 1, host: "box" };
const settings = () => Promise.resolve(DEFAULT_SETTINGS);

/** Places of which `worker-1` is lost until it is settled. */
class OnePlace implements LostPlaces {
  isLost = true;
  onList = () => {};

  list() {
    const lost = this.isLost ? [{ name: W1.worker, lostWith: "box" }] : [];
    this.onList();
    return Promise.resolve(lost);
  }

  forget() {
    this.isLost = false;
    return Promise.resolve();
  }
}

Deno.test("settleLost() records the jobs of a lost worker as lost, and forgets it", async () => {
  const [jobs, places] = [new MemoryStore(), new OnePlace()];
  await jobs.add([aJob({ id: "a" })]);
  await jobs.claim(W1, Date.now());
  await settleLost(places, jobs, settings);
  const job = await jobs.get("a");
  assertEquals(job!.history.map(({ outcome }) => outcome), ["lost"]);
  assertEquals(places.isLost, false);
});

Deno.test("settleLost() leaves a job alone whose worker has taken the name meanwhile", async () => {
  const [jobs, places] = [new MemoryStore(), new OnePlace()];
  await jobs.add([aJob({ id: "a" })]);
  let other: Promise<unknown> = Promise.resolve();
  places.onList = () => {
    places.onList = () => {};
    // Another was quicker, and then the name was free.
    places.isLost = false;
    other = jobs.claim(W1, Date.now());
  };
  await settleLost(places, jobs, settings);
  await other;
  assertEquals((await jobs.get("a"))!.status.state, "processing");
});
