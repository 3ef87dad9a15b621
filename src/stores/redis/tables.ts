// Small things that are fields of hashes: counters, and requests to those that run.
import type { TallyTable } from "../shared/kept_tallies.ts";
import type { Request, RequestTable } from "../shared/told_requests.ts";
import type { Redis } from "./connection.ts";

export function tallyTable(redis: Redis): TallyTable {
  return {
    put: async (name, json) => void await redis.ask("HSET", "tallies", name, json),
    get: async (name) => parsed(await redis.read("HGET", "tallies", name) as string | null),
    all: async () => (await redis.read("HVALS", "tallies") as string[]).map(parsed),
  };
}

export function requestTable(redis: Redis): RequestTable {
  const fieldOf = ({ kind, name }: Request) => `${kind} ${name}`;
  return {
    put: async (request) => {
      await redis.again(() => redis.ask("HSET", "requests", fieldOf(request), ""));
    },
    remove: async (requests) => {
      await redis.again(() => redis.ask("HDEL", "requests", ...requests.map(fieldOf)));
    },
    all: async () => {
      const fields = await redis.read("HKEYS", "requests") as string[];
      return fields.map((field) => {
        const [kind, name] = field.split(" ") as [Request["kind"], string];
        return { kind, name };
      });
    },
  };
}

function parsed(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text);
}
