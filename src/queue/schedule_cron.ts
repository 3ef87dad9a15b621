// Times of a crontab pattern, by the package croner, which handles both clock changes correctly
// where others don't. Loaded only if a schedule has a pattern. Where croner's rules differ from
// crontab's, the pattern is rewritten for it.
import { Cron } from "croner";
import { QueueError } from "./errors.ts";
import type { Recurrence } from "./schedule.ts";

const FIELDS = [
  { name: "minute", takes: "0-59", low: 0, high: 59 },
  { name: "hour", takes: "0-23", low: 0, high: 23 },
  { name: "day", takes: "1-31, or L for the last", low: 1, high: 31 },
  { name: "month", takes: "1-12 or JAN-DEC", low: 1, high: 12 },
  { name: "weekday", takes: "0-7 or SUN-SAT, or 5L for the last Friday", low: 0, high: 7 },
] as const;

const NICKNAMES = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/**
 * The times of a pattern in a time zone.
 *
 * @throws QueueError `usage` if the pattern is invalid
 */
export function cronRecurrence(pattern: string, tz: string): Recurrence {
  const cron = cronOf(asCrontabReads(checkedFields(pattern)), tz);
  return { after: (time) => cron.nextRun(new Date(time))?.getTime() };
}

function cronOf(pattern: string, tz: string): Cron {
  return new Cron(pattern, {
    paused: true,
    mode: "5-part",
    fixedTimeRule: "no-wildcard",
    // The first use of a time zone takes 30 ms; UTC by offset does not.
    ...(/^(?:Etc\/)?(?:UTC|GMT)$/i.test(tz) ? { utcOffset: 0 } : { timezone: tz }),
  });
}

function checkedFields(pattern: string): string[] {
  const text = pattern.trim();
  if (text.startsWith("@")) {
    if (NICKNAMES.includes(text.toLowerCase())) return [text];
    throw wrong(`"${text}" is not one of ${NICKNAMES.join(", ")}`);
  }
  const fields = text === "" ? [] : text.split(/\s+/);
  if (fields.length !== FIELDS.length) {
    throw wrong(
      `it takes five fields (minute hour day month weekday) or @daily and the like, not ${
        fields.length === 1 ? "1 field" : `${fields.length} fields`
      }: "${text}"`,
    );
  }
  for (const [i, { name, takes }] of FIELDS.entries()) {
    const alone = FIELDS.map((_, j) => j === i ? fields[i] : "*").join(" ");
    try {
      cronOf(alone, "UTC");
    } catch {
      throw wrong(
        `the ${name} cannot be "${fields[i]}": it takes ${takes}; lists (1,5), ranges (1-5), ` +
          "steps (*/5, 1-9/2)",
      );
    }
  }
  return fields;
}

function wrong(why: string): QueueError {
  return new QueueError("usage", `--cron: ${why}`);
}

/**
 * Rewrites the fields where crontab's rules differ from croner's. In crontab a field is a wildcard
 * if it begins with `*`. So a minute or hour with a step but without a wildcard is a list of fixed
 * times. And if day or weekday begins with `*`, both must fit; otherwise one of them is enough.
 */
function asCrontabReads(fields: string[]): string {
  if (fields.length === 1) return fields[0]!;
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string];
  const both = weekday !== "*" && (day.startsWith("*") || weekday.startsWith("*"));
  return [
    writtenOut(minute, FIELDS[0]),
    writtenOut(hour, FIELDS[1]),
    day,
    month,
    both && day !== "*" ? `+${weekday}` : weekday,
  ].join(" ");
}

/** A numeric field as a list of its numbers, unless it begins with a wildcard. */
function writtenOut(field: string, { low, high }: { low: number; high: number }): string {
  if (/^[*?]/.test(field)) return field;
  const numbers = field.split(",").flatMap((part) => {
    const [range, step] = part.split("/") as [string, string | undefined];
    const [from, to = from] = /^[*?]$/.test(range) ? [low, high] : range.split("-").map(Number);
    const all: number[] = [];
    for (let n = from!; n <= to!; n += Number(step ?? 1)) all.push(n);
    return all;
  });
  return [...new Set(numbers)].sort((a, b) => a - b).join(",");
}
