// Times and durations for people.

const STEPS: readonly (readonly [number, string])[] = [[86_400, "d"], [3600, "h"], [60, "m"], [
  1,
  "s",
]];

/**
 * `350ms`, `4.2s`, `1m 5s`, `2h 10m`, `3d 4h`: the two largest units. `seconds` is not negative.
 */
export function durationText(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)}ms`;
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))}s`;
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [size, unit] of STEPS) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) parts.push(`${amount}${unit}`);
    if (parts.length > 0 && (amount === 0 || parts.length === 2)) break;
  }
  return parts.join(" ");
}

/** `3m ago`, `in 2h`, `now`: the largest unit. */
export function agoText(time: number, now: number): string {
  const seconds = Math.round(Math.abs(now - time) / 1000);
  if (seconds < 1) return "now";
  const [size, unit] = STEPS.find(([step]) => seconds >= step)!;
  const amount = `${Math.floor(seconds / size)}${unit}`;
  return time > now ? `in ${amount}` : `${amount} ago`;
}

/** `2030-01-31 18:00:05`, in the local time zone. */
export function localTime(time: number): string {
  return `${localDay(time)} ${clockTime(time)}`;
}

/** `18:00:05`, in the local time zone. */
export function clockTime(time: number): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}

function localDay(time: number): string {
  const date = new Date(time);
  return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${
    two(date.getDate())
  }`;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}
