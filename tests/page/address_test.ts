import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { addressOf, askedFor, exactly, inWords, type Place, placeOf } from "../../page/address.ts";

Deno.test("placeOf() reads what addressOf() wrote, whatever the filter holds", () => {
  const text = fc.array(fc.nat(0x2fff), { minLength: 1, maxLength: 20 })
    .map((codes) => String.fromCharCode(...codes));
  const filter = fc.record(
    { state: text, queue: text, group: text, command: text, exit_code: text, since: text },
    { requiredKeys: [] },
  );
  const places: fc.Arbitrary<Place> = fc.oneof(
    fc.record({ screen: fc.constant("jobs" as const), filter, page: fc.constant(1) }),
    fc.record({
      screen: fc.constant("jobs" as const),
      filter,
      cursor: text,
      page: fc.integer({ min: 2, max: 99_999 }),
    }),
    fc.record({
      screen: fc.constant("job" as const),
      id: text,
      attempt: fc.integer({ min: 1, max: 2000 }),
    }),
    fc.record({ screen: fc.constant("schedule" as const), name: text }),
    fc.record({ screen: fc.constant("enqueue" as const), from: text }),
    fc.constantFrom<Place>(
      { screen: "overview", period: "hour" },
      { screen: "overview", period: "day" },
      { screen: "queues" },
      { screen: "schedules" },
      { screen: "dead" },
      { screen: "settings" },
    ),
  );
  fc.assert(fc.property(places, (place) => assertEquals(placeOf(addressOf(place)), place)));
});

Deno.test("placeOf() of what names no place is the overview, and bad numbers are left out", () => {
  const overview = { screen: "overview", period: "hour" } as const;
  for (const hash of ["", "#", "#/", "#/nowhere", "#nowhere/at/all?x=1"]) {
    assertEquals(placeOf(hash), overview, hash);
  }
  assertEquals(placeOf("#/jobs/a?attempt=0"), { screen: "job", id: "a" });
  assertEquals(placeOf("#/jobs/a?attempt=-1"), { screen: "job", id: "a" });
  assertEquals(placeOf("#/jobs?page=7"), { screen: "jobs", filter: {}, page: 1 });
  assertEquals(placeOf("#/jobs/%zz"), { screen: "job", id: "%zz" });
});

Deno.test("addressOf() leaves commas and stars as people read them", () => {
  const filter = { state: "dead,failed", command: "*curl*" };
  const address = addressOf({ screen: "jobs", filter, page: 1 });
  assertEquals(address, "#/jobs?state=dead,failed&command=*curl*");
});

Deno.test("askedFor() looks for a command without wildcards anywhere", () => {
  assertEquals(askedFor({ command: "curl", queue: "mail" }), { command: "*curl*", queue: "mail" });
  assertEquals(askedFor({ command: "curl *" }), { command: "curl *" });
  assertEquals(askedFor({ command: exactly('echo "[a]*"') }), { command: 'echo "[[]a][*]"' });
  assertEquals(askedFor({ command: '"' }), { command: '*"*' });
  assertEquals(askedFor({ state: "dead" }), { state: "dead" });
});

Deno.test("inWords() says a filter", () => {
  assertEquals(
    inWords({ state: "dead,failed", queue: "mail", command: "*curl*", since: "1h" }),
    "dead or failed, queue mail, command like *curl*, enqueued in the last 1h",
  );
  assertEquals(inWords({ since: "2026-11-28T10:00:00Z" }), "enqueued since 2026-11-28T10:00:00Z");
  assertEquals(
    inWords({ command: exactly("make"), exit_code: "2" }),
    'command "make", exit code 2',
  );
  assertEquals(inWords({ exit_code: "none" }), "no exit code");
  assertEquals(inWords({}), "");
});
