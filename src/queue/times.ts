// Parses times as people write them: ISO 8601 with or without a zone, or the next `HH:MM`.
const ISO =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i;
const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)$/;

/** How a time may be written, for messages. */
export const TIME_FORMS =
  "a time such as 2030-01-31T18:00, 2030-01-31T18:00:00Z, or 18:00 for the next one";

/** Milliseconds since 1970; undefined if `text` is not a time. Without a zone it is local time. */
export function parseTime(text: string, now: number): number | undefined {
  const clock = CLOCK.exec(text);
  if (clock !== null) {
    const time = new Date(now);
    time.setHours(Number(clock[1]), Number(clock[2]), 0, 0);
    // Tomorrow by the calendar, not in 24 hours, since a clock change makes a difference.
    if (time.getTime() <= now) time.setDate(time.getDate() + 1);
    return time.getTime();
  }
  if (!ISO.test(text)) return undefined;
  // By the standard, a bare date means midnight in UTC; people mean local midnight.
  const iso = text.length === 10
    ? `${text}T00:00`
    : text.replace(" ", "T").replace(/([+-]\d{2})(\d{2})$/, "$1:$2");
  const time = Date.parse(iso.toUpperCase());
  if (Number.isNaN(time)) return undefined;
  // Date.parse turns 30 February into 2 March, which is refused here.
  const day = Number(text.slice(8, 10));
  const days = new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0))
    .getUTCDate();
  return day <= days ? time : undefined;
}
