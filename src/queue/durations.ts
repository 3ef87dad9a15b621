// Parses durations as people write them: `60`, `1.5`, `500ms`, `90s`, `5m`, `1h`, `7d`, `1h30m`.
const SECONDS_IN: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|[smhd])/g;
const LONGEST = 100 * 365 * 86_400;

/**
 * Seconds, rounded to milliseconds; undefined if `text` is no duration, or longer than a hundred
 * years.
 */
export function parseDuration(text: string): number | undefined {
  let seconds: number;
  if (/^(?:\d+(?:\.\d*)?|\.\d+)$/.test(text)) seconds = Number(text);
  else if (WHOLE.test(text)) {
    seconds = 0;
    for (const [, amount, unit] of text.matchAll(PART)) {
      seconds += Number(amount) * SECONDS_IN[unit!]!;
    }
  } else return undefined;
  return seconds <= LONGEST ? Math.round(seconds * 1000) / 1000 : undefined;
}

/** How a duration may be written, for messages. */
export const DURATION_FORMS =
  "a number of seconds (60, 1.5), or with units (500ms, 90s, 5m, 1h30m, 7d), of 100 years at most";
