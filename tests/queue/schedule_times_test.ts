// Times of schedules: expected times written by hand for calendars and clock changes, and an oracle
// that tries every minute.
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { QueueError } from "../../src/queue/errors.ts";
import { cronRecurrence } from "../../src/queue/schedule_cron.ts";
import { checkedZone, recurrenceOf } from "../../src/queue/schedule_times.ts";

const MINUTE = 60_000;

function times(pattern: string, tz: string, from: string, count: number): string[] {
  const recurrence = cronRecurrence(pattern, tz);
  const found: string[] = [];
  for (let time = Date.parse(from); found.length < count;) {
    const next = recurrence.after(time);
    if (next === undefined) break;
    found.push(new Date(next).toISOString().replace(":00.000Z", "Z"));
    time = next;
  }
  return found;
}

const CASES: readonly [pattern: string, tz: string, from: string, ...times: string[]][] = [
  // Left out: 02:00 to 03:00 on 29 March; it runs at once after it.
  ["30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T01:00Z", "2026-03-30T00:30Z"],
  ["15,45 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T01:00Z", "2026-03-30T00:15Z"],
  ["30 2 * * *", "America/New_York", "2026-03-07T12:00Z", "2026-03-08T07:00Z", "2026-03-09T06:30Z"],
  // Half an hour only.
  [
    "15 2 * * *",
    "Australia/Lord_Howe",
    "2026-10-03T12:00Z",
    "2026-10-03T15:30Z",
    "2026-10-04T15:15Z",
  ],
  ["0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T01:00Z", "2026-03-30T00:00Z"],
  // Repeated: once, the first of the two.
  ["30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"],
  ["30 1 * * *", "America/New_York", "2026-10-31T12:00Z", "2026-11-01T05:30Z", "2026-11-02T06:30Z"],
  [
    "45 1 * * *",
    "Australia/Lord_Howe",
    "2026-04-04T02:00Z",
    "2026-04-04T14:45Z",
    "2026-04-05T15:15Z",
  ],
  [
    "0-59/30 2 * * *",
    "Europe/Berlin",
    "2026-10-24T12:00Z",
    "2026-10-25T00:00Z",
    "2026-10-25T00:30Z",
    "2026-10-26T01:00Z",
  ],
  // A minute or an hour that begins with * goes by elapsed time.
  ...["*/30 * * * *", "*/30 1-3 * * *"].map((pattern) =>
    [
      pattern,
      "Europe/Berlin",
      "2026-10-25T00:00Z",
      "2026-10-25T00:30Z",
      "2026-10-25T01:00Z",
      "2026-10-25T01:30Z",
      "2026-10-25T02:00Z",
    ] as [string, string, string, ...string[]]
  ),
  ["0 * * * *", "Europe/Berlin", "2026-03-29T00:00Z", "2026-03-29T01:00Z", "2026-03-29T02:00Z"],
  ["30 */2 * * *", "Europe/Berlin", "2026-10-24T22:45Z", "2026-10-25T00:30Z", "2026-10-25T01:30Z"],
  ["*/15 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T00:00Z"],
  // The calendar.
  ["0 0 29 2 *", "UTC", "2026-01-01T00:00Z", "2028-02-29T00:00Z", "2032-02-29T00:00Z"],
  ["0 0 29 2 *", "UTC", "2096-03-01T00:00Z", "2104-02-29T00:00Z"], // 2100 is no leap year
  ["0 0 L * *", "UTC", "2027-12-31T12:00Z", "2028-01-31T00:00Z", "2028-02-29T00:00Z"],
  ["0 0 * * 5L", "UTC", "2026-11-24T00:00Z", "2026-11-27T00:00Z", "2026-12-25T00:00Z"],
  ["0 0 31 * *", "UTC", "2026-01-31T00:00Z", "2026-03-31T00:00Z", "2026-05-31T00:00Z"],
  ["0 9 * * mon-FRI", "UTC", "2026-11-27T12:00Z", "2026-11-30T09:00Z", "2026-12-01T09:00Z"],
  ["0 9 * jan,DEC 7", "UTC", "2026-11-27T12:00Z", "2026-12-06T09:00Z", "2026-12-13T09:00Z"],
  ["0 8-18/5,23 * * *", "UTC", "2026-11-24T12:00Z", "2026-11-24T13:00Z", "2026-11-24T18:00Z"],
  // As in crontab: either day fits, but for those that begin with a *.
  ["0 0 13 * 5", "UTC", "2026-11-01T00:00Z", "2026-11-06T00:00Z", "2026-11-13T00:00Z"],
  ["0 0 */2 * 5", "UTC", "2026-11-01T00:00Z", "2026-11-13T00:00Z", "2026-11-27T00:00Z"],
  ["0 0 1 * */2", "UTC", "2026-11-24T00:00Z", "2026-12-01T00:00Z", "2027-04-01T00:00Z"],
  ["@hourly", "Asia/Kolkata", "2026-11-24T12:00Z", "2026-11-24T12:30Z"],
  ["@daily", "Asia/Kolkata", "2026-11-24T12:00Z", "2026-11-24T18:30Z"],
  ["@midnight", "UTC", "2026-11-24T12:00Z", "2026-11-25T00:00Z"],
  ["@weekly", "UTC", "2026-11-24T12:00Z", "2026-11-29T00:00Z"],
  ["@monthly", "UTC", "2026-11-24T12:00Z", "2026-12-01T00:00Z"],
  ["@Yearly", "UTC", "2026-11-24T12:00Z", "2027-01-01T00:00Z", "2028-01-01T00:00Z"],
  ["@annually", "UTC", "2026-11-24T12:00Z", "2027-01-01T00:00Z"],
  // What never comes.
  ["0 0 31 2 *", "UTC", "2026-11-24T12:00Z"],
  ["0 0 31 4,6,9,11 *", "Europe/Berlin", "2026-11-24T12:00Z"],
];

for (const [pattern, tz, from, ...expected] of CASES) {
  Deno.test(`cronRecurrence() of "${pattern}" in ${tz} from ${from}`, () => {
    assertEquals(times(pattern, tz, from, Math.max(1, expected.length)), expected);
  });
}

Deno.test("cronRecurrence() refuses what is no pattern, and says which field", () => {
  for (
    const [pattern, says] of [
      ["* * * *", "not 4 fields"],
      ["* * * * * *", "not 6 fields"],
      ["daily", "not 1 field"],
      ["", "not 0 fields"],
      ["@reboot", "@reboot"],
      ["60 * * * *", 'the minute cannot be "60"'],
      ["*/0 * * * *", "the minute"],
      ["5/15 * * * *", "the minute"],
      ["1.5 * * * *", "the minute"],
      ["0 24 * * *", "the hour"],
      ["0 22-2 * * *", "the hour"],
      ["0 0 0 * *", "the day"],
      ["0 0 32 * *", "the day"],
      ["0 0 * 13 *", "the month"],
      ["0 0 * juli *", "the month"],
      ["0 0 * * 8", "the weekday"],
      ["0 0 * * monday", "the weekday"],
      ["0 0 * * 1,", "the weekday"],
    ] as const
  ) {
    const error = assertThrows(() => cronRecurrence(pattern, "UTC"), QueueError, says);
    assertEquals(error.code, "usage");
    assert(!/CronPattern|\n/.test(error.message), error.message);
  }
});

Deno.test("checkedZone() takes zones by name, writes them properly, and knows no others", () => {
  assertEquals(checkedZone("europe/berlin"), "Europe/Berlin");
  assertEquals(checkedZone("UTC"), "UTC");
  assertEquals(checkedZone("Europe/Kyiv"), "Europe/Kyiv");
  for (const name of ["Berlin", "+01:00", "", "Europe/Berlin\n", "Z"]) {
    const error = assertThrows(() => checkedZone(name), QueueError);
    assertEquals(error.code, "usage");
    if (name === "Berlin") assertEquals(error.hint, "Did you mean Europe/Berlin?");
  }
});

Deno.test("recurrenceOf() counts --every from when it was added", async () => {
  const createdAt = Date.parse("2026-11-24T12:00:00.250Z");
  const when = { kind: "every", seconds: 90 } as const;
  const { after } = await recurrenceOf({ when, tz: "UTC", createdAt });
  assertEquals(after(createdAt), createdAt + 90_000);
  assertEquals(after(createdAt - 1e9), createdAt + 90_000);
  assertEquals(after(createdAt + 90_000), createdAt + 180_000);
  assertEquals(after(createdAt + 1e9), createdAt + 11_112 * 90_000);
});

// --- the oracle

interface Wall {
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
  readonly month: number;
  readonly weekday: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();
function offsetAt(time: number, tz: string): number {
  const format = formats.get(tz) ?? new Intl.DateTimeFormat("en-US", {
    timeZone: tz,
    hourCycle: "h23",
    ...{ year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" },
  });
  formats.set(tz, format);
  const part = Object.fromEntries(
    format.formatToParts(time).map(({ type, value }) => [
      type,
      Number(value),
    ]),
  );
  return Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!) - time;
}

function wallOf(local: number): Wall {
  const date = new Date(local);
  return {
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    day: date.getUTCDate(),
    month: date.getUTCMonth() + 1,
    weekday: date.getUTCDay(),
  };
}

function fits(field: string, value: number, low: number, high: number): boolean {
  return field.split(",").some((part) => {
    const [range, step = "1"] = part.split("/") as [string, string?];
    const [from, to = from] = range === "*" ? [low, high] : range.split("-").map(Number);
    return value >= from! && value <= to! && (value - from!) % Number(step) === 0;
  });
}

/** All times in [from, to), minute by minute. */
function walked(pattern: string, tz: string, from: number, to: number): number[] {
  const [minute, hour, day, month, weekday] = pattern.split(" ") as [
    string,
    string,
    string,
    string,
    string,
  ];
  const byElapsedTime = minute.startsWith("*") || hour.startsWith("*");
  const isDue = (local: number) => {
    const wall = wallOf(local);
    const days = [fits(day, wall.day, 1, 31), fits(weekday, wall.weekday, 0, 6)] as const;
    const either = !day.startsWith("*") && !weekday.startsWith("*");
    return fits(minute, wall.minute, 0, 59) && fits(hour, wall.hour, 0, 23) &&
      fits(month, wall.month, 1, 12) && (either ? days[0] || days[1] : days[0] && days[1]);
  };
  const found: number[] = [];
  let latest = -Infinity; // the latest wall clock time that was seen
  for (let time = from - 3 * 60 * MINUTE; time < to; time += MINUTE) {
    const local = time + offsetAt(time, tz);
    let due = isDue(local) && (byElapsedTime || local > latest);
    if (!byElapsedTime && latest !== -Infinity) {
      for (let left = latest + MINUTE; left < local; left += MINUTE) due ||= isDue(left);
    }
    latest = Math.max(latest, local);
    if (due && time >= from) found.push(time);
  }
  return found;
}

const CHANGES: readonly (readonly [string, string])[] = [
  ["Europe/Berlin", "2026-03-29T01:00Z"],
  ["Europe/Berlin", "2026-10-25T01:00Z"],
  ["America/New_York", "2026-03-08T07:00Z"],
  ["America/New_York", "2026-11-01T06:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T15:30Z"],
  ["Australia/Lord_Howe", "2026-04-04T15:00Z"],
  ["America/Havana", "2026-03-08T05:00Z"], // midnight is left out
  ["America/Havana", "2026-11-01T05:00Z"],
  ["UTC", "2028-02-29T00:00Z"],
  ["Asia/Kathmandu", "2026-12-31T18:15Z"],
];

function field(low: number, high: number): fc.Arbitrary<string> {
  const number = fc.integer({ min: low, max: high });
  const step = fc.integer({ min: 1, max: 7 });
  const range = fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const part = fc.oneof(
    number.map(String),
    range,
    fc.tuple(range, step).map(([text, n]) => `${text}/${n}`),
  );
  return fc.oneof(
    fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(",")),
    fc.constant("*"),
    step.map((n) => `*/${n}`),
  );
}

const PATTERN = fc.tuple(
  field(0, 59),
  fc.oneof(field(0, 23), field(0, 3)),
  fc.oneof(fc.constant("*"), field(1, 31)),
  fc.oneof(fc.constant("*"), field(1, 12)),
  fc.oneof(fc.constant("*"), field(0, 6)),
).map((fields) => fields.join(" "));

Deno.test("cronRecurrence() finds what a walk through every minute finds, about clock changes", () => {
  fc.assert(
    fc.property(fc.constantFrom(...CHANGES), PATTERN, ([tz, change], pattern) => {
      const from = Date.parse(change) - 9 * 60 * MINUTE;
      const to = from + 18 * 60 * MINUTE;
      const expected = walked(pattern, tz, from, to);
      const { after } = cronRecurrence(pattern, tz);
      const found: number[] = [];
      for (let time = from - 1;;) {
        const next = after(time);
        if (next === undefined || next >= to) break;
        found.push(time = next);
      }
      const shown = (all: number[]) => all.map((time) => new Date(time).toISOString());
      assertEquals(shown(found), shown(expected));
      // From wherever one asks, also from within an hour that comes twice.
      for (let time = from; time < to; time += 7 * MINUTE + 1) {
        const next = expected.find((one) => one > time);
        if (next !== undefined) assertEquals(after(time), next, new Date(time).toISOString());
      }
    }),
    { numRuns: 60 },
  );
});
