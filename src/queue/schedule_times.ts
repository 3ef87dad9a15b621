// When schedules fall due: by the clock alone here; patterns and time zones are loaded when there
// are any.
import { QueueError } from "./errors.ts";
import type { Recurrence, Schedule } from "./schedule.ts";

/**
 * The times of a schedule.
 * @throws QueueError `usage` if its pattern or its time zone is none
 */
export async function recurrenceOf(
  { when, tz, createdAt }: Pick<Schedule, "when" | "tz" | "createdAt">,
): Promise<Recurrence> {
  if (when.kind === "every") return everyRecurrence(createdAt, when.seconds);
  const { cronRecurrence } = await import("./schedule_cron.ts");
  return cronRecurrence(when.pattern, checkedZone(tz));
}

/** Every so many seconds from `origin`; the first is not at `origin` but after it. */
function everyRecurrence(origin: number, seconds: number): Recurrence {
  const period = Math.round(seconds * 1000);
  return {
    after: (time) => origin + Math.max(1, Math.floor((time - origin) / period) + 1) * period,
  };
}

/**
 * The name of a time zone as it is written properly.
 * @throws QueueError `usage` if there is none of this name
 */
export function checkedZone(name: string): string {
  if (name === "UTC") return name; // looking zones up takes 30 ms
  try {
    if (!/^[A-Za-z]/.test(name)) throw new RangeError("an offset is no zone");
    const known = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
    // Of a zone with two names, the one that was given.
    return known.toLowerCase() === name.toLowerCase() ? known : name;
  } catch {
    const end = `/${name.toLowerCase()}`;
    const meant = Intl.supportedValuesOf("timeZone").find((zone) =>
      zone.toLowerCase().endsWith(end)
    );
    throw new QueueError("usage", `There is no time zone "${name}"`, {
      hint: meant === undefined ? "Name one as in Europe/Berlin, or UTC" : `Did you mean ${meant}?`,
    });
  }
}

/**
 * The name of this machine's time zone.
 * @throws QueueError `usage` if it has none that is known
 */
export function localZone(): string {
  const name = new Intl.DateTimeFormat().resolvedOptions().timeZone as string | undefined;
  if (name !== undefined && name !== "Etc/Unknown") return name;
  if (new Date().getTimezoneOffset() === 0) return "UTC";
  throw new QueueError("usage", "Cannot tell the name of this machine's time zone", {
    hint: "Give it: --tz Europe/Berlin",
  });
}
