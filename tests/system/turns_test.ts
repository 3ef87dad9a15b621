// Turns: how often others get theirs.
import { assertEquals } from "@std/assert";
import { Turns } from "../../src/system/turns.ts";

Deno.test("tasks that share their turns pause together, once", async () => {
  const real = { now: performance.now, setTimeout: globalThis.setTimeout };
  let [now, pauses] = [0, 0];
  performance.now = () => now;
  globalThis.setTimeout = ((end: () => void) => {
    pauses++;
    queueMicrotask(end);
    return 0;
  }) as unknown as typeof setTimeout;
  try {
    const turns = new Turns();
    const all = () => Promise.all(Array.from({ length: 50 }, () => turns.give()));
    await all();
    assertEquals(pauses, 0, "it is not time yet");
    for (const wanted of [1, 2]) {
      now += 11;
      await all();
      assertEquals(pauses, wanted);
    }
  } finally {
    performance.now = real.now;
    globalThis.setTimeout = real.setTimeout;
  }
});
