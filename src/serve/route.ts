// What a route of the API is, as data: it feeds the handler, the OpenAPI document and its tests.
import { QueueError } from "../queue/errors.ts";
import { nearest } from "../queue/nearest.ts";
import type { Parts } from "./parts.ts";
import type { Schema } from "./schema.ts";

export interface Param {
  readonly name: string;
  readonly about: string;
  readonly kind?: "text" | "whole" | "switch";
  /** The most that a whole number may be; it is at least 1. */
  readonly max?: number;
  readonly repeatable?: boolean;
}

export interface Route {
  readonly method: "GET" | "POST";
  /** With `{name}` for each part that varies. */
  readonly path: string;
  /** One line, beginning with a verb. */
  readonly summary: string;
  /** Parameters of the query. */
  readonly query?: readonly Param[];
  readonly body?: Schema;
  readonly answer: {
    readonly status?: number;
    /** JSON unless it is said. */
    readonly type?: string;
    readonly schema?: Schema;
  };
  /** Who may ask without the token: everybody, or everybody where metrics are public. */
  readonly open?: "always" | "metrics";
  /** Whether it is no change, although it is a POST. */
  readonly isSafe?: boolean;
  /** Whether it runs commands that somebody sends. */
  readonly enqueues?: boolean;
  /** Whether it may take as long as it does. */
  readonly isLong?: boolean;
  handle(asked: Asked, parts: Parts): Promise<Response> | Response;
}

/** A request, as handlers see it. */
export interface Asked {
  readonly headers: Headers;
  /** What stands for the parts of the path that vary. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: Query;
  /** The JSON that was sent; undefined of a GET. */
  readonly body: unknown;
}

/** The parameters of a request, checked against those that its route has. */
export class Query {
  readonly #values: URLSearchParams;

  /** @throws QueueError `usage` */
  constructor(values: URLSearchParams, params: readonly Param[]) {
    this.#values = values;
    for (const name of new Set(values.keys())) {
      const param = params.find((one) => one.name === name);
      if (param === undefined) throw unknown(name, params);
      const all = values.getAll(name);
      if (all.length > 1 && param.repeatable !== true) {
        throw new QueueError("usage", `The parameter "${name}" was given more than once`);
      }
      if (param.kind === "whole") mustBeWhole(name, values.get(name)!, param.max);
      if (param.kind === "switch") this.has(name);
    }
  }

  text(name: string): string | undefined {
    return this.#values.get(name) ?? undefined;
  }

  texts(name: string): string[] {
    return this.#values.getAll(name);
  }

  /** Of a parameter that takes a whole number. */
  whole(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text);
  }

  /** @throws QueueError `usage` */
  has(name: string): boolean {
    const text = this.text(name);
    if (text === undefined || text === "false") return false;
    if (text === "true" || text === "1" || text === "") return true;
    throw new QueueError("usage", `${name} takes true or false, not "${text}"`);
  }
}

function mustBeWhole(name: string, text: string, max = Number.MAX_SAFE_INTEGER): void {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (value >= 1 && value <= max) return;
  const bounds = max === Number.MAX_SAFE_INTEGER ? "from 1 on" : `from 1 to ${max}`;
  throw new QueueError("usage", `${name} takes a whole number ${bounds}, not "${text}"`);
}

function unknown(name: string, params: readonly Param[]): QueueError {
  const names = params.map((param) => param.name);
  const meant = nearest(name, names);
  const hint = meant !== undefined
    ? `Did you mean ${meant}?`
    : names.length === 0
    ? "It takes none"
    : `It takes ${names.join(", ")}`;
  return new QueueError("usage", `There is no parameter "${name}" here`, { hint });
}

/** The route of a path, and what stands for the parts that vary; by the path alone. */
export function routesAt(
  routes: readonly Route[],
  path: string,
): { route: Route; path: Record<string, string> }[] {
  return routes.flatMap((route) => {
    const values = valuesIn(route.path, path);
    return values === undefined ? [] : [{ route, path: values }];
  })
    // `/api/jobs/retry` is no job called "retry".
    .sort((a, b) => Object.keys(a.path).length - Object.keys(b.path).length);
}

function valuesIn(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, parts] = [pattern.split("/"), path.split("/")];
  if (wanted.length !== parts.length) return undefined;
  const values: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const name = /^\{(.+)\}$/.exec(part)?.[1];
    const value = parts[i]!;
    if (name === undefined) {
      if (part !== value) return undefined;
      continue;
    }
    try {
      values[name] = decodeURIComponent(value);
    } catch {
      return undefined;
    }
    if (value === "") return undefined;
  }
  return values;
}
