// Small things that are fields of hashes: counters, and requests to those that run.
import type { TallyTable } from "../shared/kept_tallies.ts";
import type { Request, RequestTable } from "../shared/told_requests.ts";
import { Commit } from "./commit.ts";
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
      const field = fieldOf(request);
      // Begun with a removal, it may be done where the memory is full.
      const commit = new Commit().unset("requests", field).set("requests", field, "");
      await redis.again(() => commit.run(redis));
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
