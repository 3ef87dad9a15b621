// Queue settings as JSON and as text, with the names that users, scripts and files see.
import { parseDuration } from "./durations.ts";
import { isName } from "./job.ts";
import { isoTime } from "./job_json.ts";
import {
  LIMIT_MAX,
  type QueueSettings,
  type QueueView,
  type Rate,
  RATE_COUNT_MAX,
  UNRESTRICTED,
} from "./queues.ts";

/** A queue, as `queue list --json` prints it. */
export function queueToJson({ name, waiting, running, oldestWaitingAt, ...settings }: QueueView) {
  return {
    name,
    waiting,
    running,
    limit: settings.limit,
    rate: settings.rate,
    paused: settings.paused,
    oldest_waiting_at: oldestWaitingAt === null ? null : isoTime(oldestWaitingAt),
  };
}

/** The settings of queues by name, as they are stored; settings that are not set are left out. */
export function settingsToJson(queues: ReadonlyMap<string, QueueSettings>) {
  const entries = [...queues].sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(entries.map(([name, { limit, rate, paused }]) => [name, {
    ...(limit !== null && { limit }),
    ...(rate !== null && { rate: { count: rate.count, seconds: rate.seconds } }),
    ...(paused && { paused }),
  }]));
}

/** Parses what `settingsToJson` made; undefined if it is invalid. */
export function settingsFromJson(value: unknown): Map<string, QueueSettings> | undefined {
  if (!isObject(value)) return undefined;
  const queues = new Map<string, QueueSettings>();
  for (const [name, one] of Object.entries(value)) {
    if (!isName(name) || !isObject(one)) return undefined;
    const { limit = null, rate = null, paused = false, ...unknown } = one;
    const isFine = (limit === null || isCount(limit, LIMIT_MAX)) &&
      (rate === null || isRate(rate)) && typeof paused === "boolean" &&
      Object.keys(unknown).length === 0;
    if (!isFine) return undefined;
    queues.set(name, { ...UNRESTRICTED, limit, rate, paused } as QueueSettings);
  }
  return queues;
}

/**
 * Parses a rate such as `10/1m`; null for 0, which removes the rate; undefined if it is invalid.
 */
export function parseRate(text: string): Rate | null | undefined {
  if (text === "0") return null;
  const [, amount, duration] = /^(\d{1,7})\/(.+)$/.exec(text) ?? [];
  // `10/m` is a common way to write such a rate.
  const seconds = duration && parseDuration(/^[smhd]$/.test(duration) ? `1${duration}` : duration);
  const rate = { count: Number(amount), seconds };
  return isRate(rate) ? rate : undefined;
}

/** How a rate may be written, for messages. */
export const RATE_FORMS =
  "N/DURATION, such as 10/1m (at most 10 begin in any minute), or 0 for none";

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown, max: number): value is number {
  return Number.isInteger(value) && value as number >= 1 && value as number <= max;
}

function isRate(value: unknown): value is Rate {
  return isObject(value) && isCount(value.count, RATE_COUNT_MAX) &&
    typeof value.seconds === "number" && value.seconds > 0 && Number.isFinite(value.seconds);
}
