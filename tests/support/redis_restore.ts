// What tests of restores into Redis need.
import type { Redis } from "../../src/stores/redis/connection.ts";
import type { RestoreParts } from "../../src/stores/redis/restore.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import type { RedisServer } from "./redis_server.ts";

/** Does something when that script is about to be called for the first time. */
export function before(redis: Redis, called: string, happens: () => Promise<void>): void {
  const run = redis.run.bind(redis);
  redis.run = async (script, args) => {
    if (script === called) {
      redis.run = run;
      await happens();
    }
    return await run(script, args);
  };
}

/** What a restore into the queue of `redis` is given, where nobody works. */
export function restoreParts(redis: Redis, server: RedisServer, over = true): RestoreParts {
  return {
    redis,
    over,
    options: {
      name: "the server",
      address: { host: `${server.folder}/s`, port: 0 },
      prefix: /(?<=\{).*(?=\})/.exec(redis.base)![0],
    },
    files: diskFiles,
    isAnybodyThere: () => Promise.resolve(false),
  };
}
