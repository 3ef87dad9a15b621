// The times at which schedules fall due. The code for patterns and time zones is loaded only when
// needed.
import { QueueError } from "./errors.ts";
import type { Recurrence, Schedule } from "./schedule.ts";

/**
 * The times of a schedule.
 *
 * @throws QueueError `usage` if its pattern or its time zone is invalid
 */
export async function recurrenceOf(
  { when, tz, createdAt }: Pick<Schedule, "when" | "tz" | "createdAt">,
): Promise<Recurrence> {
  if (when.kind === "every") return everyRecurrence(createdAt, when.seconds);
  const { cronRecurrence } = await import("./schedule_cron.ts");
  return cronRecurrence(when.pattern, checkedZone(tz));
}

/** Every `seconds` from `origin`; the first time is one period after `origin`. */
function everyRecurrence(origin: number, seconds: number): Recurrence {
  const period = Math.round(seconds * 1000);
  return {
    after: (time) => origin + Math.max(1, Math.floor((time - origin) / period) + 1) * period,
  };
}

/**
 * The name of a time zone in its proper spelling.
 *
 * @throws QueueError `usage` if there is no such time zone
 */
export function checkedZone(name: string): string {
  if (name === "UTC") return name; // looking zones up takes 30 ms
  try {
    if (!/^[A-Za-z]/.test(name)) throw new RangeError("an offset is no zone");
    const known = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
    // If the zone has two names, the given one is kept.
    return known.toLowerCase() === name.toLowerCase() ? known : name;
  } catch {
    const end = `/${name.toLowerCase()}`;
    const meant = Intl.supportedValuesOf("timeZone").find((zone) =>
      zone.toLowerCase().endsWith(end)
    );
    throw new QueueError("usage", `There is no time zone "${name}"`, {
      hint: meant === undefined
        ? "Give a name such as Europe/Berlin, or UTC"
        : `Did you mean ${meant}?`,
    });
  }
}

/**
 * The name of this machine's time zone.
 *
 * @throws QueueError `usage` if it can't be found out
 */
export function localZone(): string {
  const name = new Intl.DateTimeFormat().resolvedOptions().timeZone as string | undefined;
  if (name !== undefined && name !== "Etc/Unknown") return name;
  if (new Date().getTimezoneOffset() === 0) return "UTC";
  throw new QueueError("usage", "Cannot tell the name of this machine's time zone", {
    hint: "Give it: --tz Europe/Berlin",
  });
}
