// When a host has to have ended its jobs, and when others may take it for gone.
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { beatEvery, deadline, type LeaseView, look, NOTHING_SEEN } from "../../src/queue/leases.ts";

const host = (values: Partial<LeaseView> = {}): LeaseView => ({
  id: "a",
  beat: 1,
  lease: 60,
  guarded: true,
  hasRunOut: true,
  ...values,
});

Deno.test("look() takes a host for gone when its beat has been the same for a whole lease", () => {
  const first = look(NOTHING_SEEN, "s", [host()], 1000);
  assertEquals(first.gone, []);
  const before = look(first.sightings, "s", [host()], 60_999);
  assertEquals(before.gone, []);
  assertEquals(look(before.sightings, "s", [host()], 61_000).gone, [host()]);
});

Deno.test("look() begins anew with each beat, and with each start of the server", () => {
  const first = look(NOTHING_SEEN, "s", [host()], 0);
  const beaten = look(first.sightings, "s", [host({ beat: 2 })], 59_000);
  assertEquals(look(beaten.sightings, "s", [host({ beat: 2 })], 118_000).gone, []);
  const restarted = look(first.sightings, "t", [host()], 70_000);
  assertEquals(restarted.gone, []);
  assertEquals(look(restarted.sightings, "t", [host()], 130_000).gone.length, 1);
});

Deno.test("look() leaves a host alone that has no guard, or whose lease holds in the store", () => {
  for (const kept of [{ guarded: false }, { hasRunOut: false }]) {
    const { sightings } = look(NOTHING_SEEN, "s", [host(kept)], 0);
    assertEquals(look(sightings, "s", [host(kept)], 10_000_000).gone, []);
  }
});

Deno.test("deadline() comes before look() can take the host for gone, whatever takes how long", () => {
  const seconds = fc.double({ min: 0, max: 100, noNaN: true });
  fc.assert(
    fc.property(
      fc.double({ min: 5, max: 3600, noNaN: true }),
      seconds,
      fc.array(seconds, { minLength: 1, maxLength: 20 }),
      (lease, untilSeen, pauses) => {
        // It asks at 0, so its lease begins at 0 or later; others see that beat later still.
        const ends = deadline(0, lease);
        let now = untilSeen;
        let { sightings } = look(NOTHING_SEEN, "s", [host({ lease })], now * 1000);
        for (const pause of pauses) {
          now += pause;
          const next = look(sightings, "s", [host({ lease })], now * 1000);
          if (next.gone.length > 0) assert(now >= ends + 2);
          sightings = next.sightings;
        }
      },
    ),
  );
});

Deno.test("beatEvery() leaves time for several signs of life before the deadline", () => {
  for (const lease of [5, 60, 3600]) assert(deadline(0, lease) / beatEvery(lease) >= 3);
});
