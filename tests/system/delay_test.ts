import { assert, assertEquals } from "@std/assert";
import { afterMilliseconds, delay, pause } from "../../src/system/delay.ts";
import { waitUntil } from "../support/wait_until.ts";

const THIRTY_DAYS = 30 * 24 * 3600 * 1000;

Deno.test("afterMilliseconds() waits longer than setTimeout can, and can be cancelled", async () => {
  let early = false;
  const cancel = afterMilliseconds(THIRTY_DAYS, () => early = true);
  await delay(20);
  cancel();
  assert(!early);
});

Deno.test("afterMilliseconds() calls once, and not before its time", async () => {
  const begin = performance.now();
  let calls = 0;
  afterMilliseconds(30, () => calls++);
  await waitUntil(() => calls > 0);
  assert(performance.now() - begin >= 29);
  assertEquals(calls, 1);
});

Deno.test("delay() ends when its signal aborts, also if it has before", async () => {
  const stop = new AbortController();
  const waiting = delay(THIRTY_DAYS, stop.signal);
  stop.abort();
  await waiting;
  await delay(THIRTY_DAYS, stop.signal);
});

Deno.test("pause() ends when the promise settles, and leaves no timer behind when it fails", async () => {
  await pause(THIRTY_DAYS, Promise.resolve());
  let message = "";
  await pause(THIRTY_DAYS, Promise.reject(new Error("gone"))).catch((e) => message = e.message);
  assertEquals(message, "gone");
});
