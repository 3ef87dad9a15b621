// The driver (npm's `pg`) as far as it is used here, and how values go in and out: times are
// milliseconds, counts are numbers.
import Client from "pg/lib/client.js";

/** What the driver is told of a server; as in the documentation of `pg`. */
export interface ServerConfig {
  readonly connectionString?: string;
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly password?: string | (() => string | Promise<string>);
  readonly database?: string;
  readonly ssl?: unknown;
}

/** One connection. */
export interface PgClient {
  readonly processID: number | null;
  connect(): Promise<unknown>;
  /** @param query with a name, the server keeps it prepared: see prepared.ts */
  query(
    query: { text: string; values?: readonly unknown[]; name?: string },
  ): Promise<PgResult | PgResult[]>;
  end(): Promise<void>;
  on(event: "error" | "end", listener: (error?: Error) => void): void;
  on(
    event: "notification",
    listener: (message: { channel: string; payload?: string }) => void,
  ): void;
  readonly connection: { readonly stream: { destroy(error?: Error): void } };
}

export interface PgResult {
  readonly rows: Record<string, unknown>[];
  readonly rowCount: number | null;
}

/** The driver's client, and what it says when a connection begins. */
interface StartingClient extends PgClient {
  getStartupConf(): Record<string, unknown>;
}

/** A connection that is not open yet. `timeout`: milliseconds for connecting. */
export function newClient(config: ServerConfig, timeout: number): PgClient {
  const client = new (Client as unknown as new (config: unknown) => StartingClient)({
    application_name: "queuectl",
    ...config,
    connectionTimeoutMillis: timeout,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
  });
  // Times are read in this style, whatever is set for the user. Poolers know this parameter, but may
  // refuse `options`.
  const startup = client.getStartupConf();
  client.getStartupConf = () => ({ ...startup, DateStyle: "ISO" });
  return client;
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;
const NUMERIC = 1700;

function getTypeParser(oid: number, format?: string): (text: string) => unknown {
  if (oid === TIMESTAMPTZ) return parseTimestamp;
  if (oid === INT8 || oid === NUMERIC) return Number;
  return PARSERS[oid] ?? ((text) => format === "binary" ? text : text);
}

/** By the numbers of PostgreSQL's types. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => text === "t",
  21: Number,
  23: Number,
  26: Number,
  114: JSON.parse,
  700: Number,
  701: Number,
  3802: JSON.parse,
  1009: parseTextArray,
};

/** `text[]` as PostgreSQL prints it; none of ours has a null or is nested. */
export function parseTextArray(text: string): string[] {
  if (text === "{}") return [];
  const found = text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,"]+)/gs);
  return Array.from(found, ([, quoted, plain]) => plain ?? quoted!.replace(/\\(.)/gs, "$1"));
}

const STAMP = /^(\d+)-(\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(:\d\d)?(?::\d\d)?( BC)?$/;

/** A `timestamptz` in milliseconds since 1970. */
export function parseTimestamp(text: string): number {
  if (text === "infinity") return Infinity;
  if (text === "-infinity") return -Infinity;
  const parts = STAMP.exec(text);
  if (parts === null) throw new Error(`DateStyle is not ISO: the database answered "${text}"`);
  const [, year, day, time, hours, minutes = ":00", bc] = parts;
  return Date.parse(
    `${isoYear(bc ? 1 - Number(year) : Number(year))}-${day}T${time}${hours}${minutes}`,
  );
}

/** Milliseconds since 1970 as PostgreSQL reads them, to the millisecond. */
export function timestamp(time: number): string {
  if (!Number.isFinite(time)) return time > 0 ? "infinity" : "-infinity";
  const date = new Date(time);
  const year = date.getUTCFullYear();
  const rest = date.toISOString().replace(/^[+-]?\d+/, "");
  return year > 0
    ? `${String(year).padStart(4, "0")}${rest}`
    : `${String(1 - year).padStart(4, "0")}${rest} BC`;
}

/** A year as ISO 8601 has it: beyond four digits with a sign and six. */
function isoYear(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, "0");
  return `${year < 0 ? "-" : "+"}${String(Math.abs(year)).padStart(6, "0")}`;
}
