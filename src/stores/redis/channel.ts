// Words from process to process by PUBLISH. Changes tell of themselves in the same step: see commit.ts.
import { type Channel, Wake } from "../shared/wake.ts";
import type { Redis } from "./connection.ts";

/** @param topic what it is about */
export function channelOf(redis: Redis, topic: string): Channel {
  const name = `talk:${topic}`;
  return {
    listen: (heard) => redis.listen(name, heard),
    say: async (word) => {
      await redis.ask("PUBLISH", name, word);
    },
  };
}

/** @param listens whether to listen at all */
export function wakeOf(redis: Redis, topic: string, listens = true): Wake {
  return new Wake(channelOf(redis, topic), listens);
}
