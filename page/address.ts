// Converts between addresses and places: each screen has its own address, including its filters, so
// that it can be bookmarked and shared. Pure.

/** Which jobs to list; as in `GET /api/jobs`, except for the command (see `askedFor`). */
export interface Filter {
  /** Separated by commas. */
  readonly state?: string | undefined;
  readonly queue?: string | undefined;
  readonly group?: string | undefined;
  readonly command?: string | undefined;
  /** Of the last attempt; `none`: it left none. */
  readonly exit_code?: string | undefined;
  readonly since?: string | undefined;
}

export const FILTER_NAMES = ["state", "queue", "group", "command", "exit_code", "since"] as const;

export type Place =
  | { readonly screen: "overview"; readonly period: "hour" | "day" }
  | {
    readonly screen: "jobs";
    readonly filter: Filter;
    /** Where this page of the list begins; undefined for the first page. */
    readonly cursor?: string | undefined;
    /** From 1. */
    readonly page: number;
  }
  | { readonly screen: "job"; readonly id: string; readonly attempt?: number | undefined }
  | { readonly screen: "queues" | "schedules" | "dead" | "settings" }
  | { readonly screen: "schedule"; readonly name: string }
  /** `from`: the job whose fields fill the form. */
  | { readonly screen: "enqueue"; readonly from?: string | undefined };

/** The place that a fragment names, such as `#/jobs?state=dead`; the overview if it names none. */
export function placeOf(hash: string): Place {
  const [path = "", search = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const [screen, name] = path.split("/").map(decoded);
  const query = new URLSearchParams(search);
  const text = (key: string) => query.get(key) || undefined;
  const whole = (key: string) => {
    const value = query.get(key) ?? "";
    return /^[1-9]\d{0,8}$/.test(value) ? Number(value) : undefined;
  };
  switch (screen) {
    case "jobs":
      if (name) return { screen: "job", id: name, ...defined({ attempt: whole("attempt") }) };
      return {
        screen,
        filter: defined(Object.fromEntries(FILTER_NAMES.map((key) => [key, text(key)]))),
        ...defined({ cursor: text("cursor") }),
        page: text("cursor") === undefined ? 1 : whole("page") ?? 2,
      };
    case "schedules":
      return name ? { screen: "schedule", name } : { screen };
    case "queues":
    case "dead":
    case "settings":
      return { screen };
    case "enqueue":
      return { screen, ...defined({ from: text("from") }) };
    default:
      return { screen: "overview", period: text("period") === "day" ? "day" : "hour" };
  }
}

/** The fragment that names a place. */
export function addressOf(place: Place): string {
  switch (place.screen) {
    case "overview":
      return `#/${search({ period: place.period === "day" ? "day" : undefined })}`;
    case "jobs": {
      const { filter, cursor, page } = place;
      return `#/jobs${search({ ...filter, cursor, page: cursor && String(page) })}`;
    }
    case "job":
      return `#/jobs/${encodeURIComponent(place.id)}${
        search({ attempt: place.attempt === undefined ? undefined : String(place.attempt) })
      }`;
    case "schedule":
      return `#/schedules/${encodeURIComponent(place.name)}`;
    case "enqueue":
      return `#/enqueue${search({ from: place.from })}`;
    default:
      return `#/${place.screen}`;
  }
}

/** The address of the first page of the matching jobs. */
export function jobsAt(filter: Filter = {}): string {
  return addressOf({ screen: "jobs", filter, page: 1 });
}

export function jobAt(id: string, attempt?: number): string {
  return addressOf({ screen: "job", id, attempt });
}

/** What one types to find just this command. */
export function exactly(command: string): string {
  return `"${command}"`;
}

/**
 * The filter that is sent for one that was typed: a command in quotation marks is meant exactly, one
 * without wildcards may stand anywhere in the text.
 */
export function askedFor({ command, ...filter }: Filter): Filter {
  if (command === undefined) return filter;
  return { ...filter, command: globOf(command) };
}

function globOf(typed: string): string {
  const [, exact] = /^"(.+)"$/s.exec(typed) ?? [];
  if (exact !== undefined) return exact.replace(/[*?[]/g, "[$&]");
  return /[*?[]/.test(typed) ? typed : `*${typed}*`;
}

/** A filter in words, such as `dead, of queue mail, command has "curl"`; empty if it is none. */
export function inWords({ state, queue, group, command, exit_code, since }: Filter): string {
  return [
    state?.split(",").join(" or "),
    queue && `queue ${queue}`,
    group && `group ${group}`,
    command && `command ${/^".+"$/s.test(command) ? "" : "like "}${command}`,
    exit_code && (exit_code === "none" ? "no exit code" : `exit code ${exit_code}`),
    since &&
    `enqueued ${/^\d/.test(since) && !since.includes("-") ? "in the last" : "since"} ${since}`,
  ].filter(Boolean).join(", ");
}

/** The defined parameters as a query string, with its `?`. */
export function search(values: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value) query.set(name, value);
  // Commas need no escape, and are easier to read without.
  const text = query.toString().replaceAll("%2C", ",");
  return text === "" ? "" : `?${text}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function defined<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
