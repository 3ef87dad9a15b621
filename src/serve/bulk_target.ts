// Which jobs a client wants changed: by a filter, or by their ids. Pure.
import { QueueError } from "../queue/errors.ts";
import { isJobId } from "../queue/job.ts";
import type { Filter } from "./filter.ts";
import { FILTERS } from "./filters.ts";

const MOST_IDS = 1000;

export type Target =
  | { readonly filter: Filter; readonly ids?: undefined }
  | { readonly ids: readonly string[]; readonly filter?: undefined };

/** @throws QueueError `usage` unless there is a filter, or else ids */
export function targetOf(filter: unknown, ids: unknown): Target {
  if ((filter === undefined) === (ids === undefined)) {
    throw new QueueError("usage", 'Either "filter" or "ids" is needed', {
      hint: '"filter": {} means all',
    });
  }
  if (filter !== undefined) return { filter: filterOf(filter) };
  const isFine = Array.isArray(ids) && ids.length <= MOST_IDS && ids.every(isWholeId);
  if (isFine) return { ids: [...new Set(ids as string[])] };
  throw new QueueError("usage", `ids takes a list of whole ids, at most ${MOST_IDS}`);
}

function filterOf(value: unknown): Filter {
  const fields = objectIn("filter", value);
  const filter: Record<string, string> = {};
  for (const { name } of FILTERS) {
    const { [name]: value } = fields;
    delete fields[name];
    if (value === undefined) continue;
    if (typeof value !== "string") throw new QueueError("usage", `filter.${name} takes text`);
    filter[name] = value;
  }
  mustBeKnown("filter.", fields);
  return filter;
}

function isWholeId(id: unknown): boolean {
  return typeof id === "string" && isJobId(id);
}

/** @throws QueueError `usage` */
export function objectIn(what: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new QueueError("usage", `${what} takes an object`);
}

/** @throws QueueError `usage` if anything is left that nobody has taken */
export function mustBeKnown(where: string, left: Readonly<Record<string, unknown>>): void {
  const [name] = Object.keys(left);
  if (name !== undefined) throw new QueueError("usage", `unknown field "${where}${name}"`);
}
