// A queue in Redis as a whole: its size, backups, and what does not fit together.
import type {
  BackupResult,
  CheckOptions,
  Finding,
  LeftOut,
  Maintenance,
  RestoreOptions,
  StoreSize,
} from "../../queue/maintenance.ts";
import { QueueError } from "../../queue/errors.ts";
import type { Progress } from "../../queue/operations.ts";
import { anyWorks, type Workers } from "../../queue/workers.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { cautionsOf } from "./cautions.ts";
import type { Redis, RedisOptions } from "./connection.ts";
import { REPLACED } from "./keys.ts";
import { ensureVersion } from "./version.ts";

export interface MaintenanceParts {
  readonly redis: Redis;
  /** How another connection is made. */
  readonly options: RedisOptions;
  readonly files: FileSystem;
  readonly workers: () => Promise<Workers>;
}

export class RedisMaintenance implements Maintenance {
  readonly #parts: MaintenanceParts;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
  }

  async size(): Promise<StoreSize> {
    const { redis } = this.#parts;
    const sizes = await Promise.all(REPLACED.map((key) => memoryOf(redis, key)));
    const logs = await redis.read("HGET", "versions", "log_bytes") as string | null;
    const logBytes = Number(logs ?? 0);
    return { files: 0, bytes: sizes.reduce((sum, size) => sum + size, logBytes), logBytes };
  }

  async cautions(): Promise<readonly string[]> {
    const { redis, options } = this.#parts;
    return cautionsOf(await redis.info(), options);
  }

  async backup(target: string, progress: Progress): Promise<BackupResult> {
    await ensureVersion(this.#parts.redis);
    const { backup } = await import("./backup.ts");
    return await backup(this.#parts.redis, target, this.#parts.files, progress);
  }

  async restore(
    from: string,
    { over }: RestoreOptions,
    progress: Progress,
  ): Promise<{ readonly jobs: number; readonly leftOut: readonly LeftOut[] }> {
    await ensureVersion(this.#parts.redis);
    const { restore } = await import("./restore.ts");
    const isAnybodyThere = async () => anyWorks(await this.#parts.workers());
    return await restore({ ...this.#parts, over, isAnybodyThere }, from, progress);
  }

  async check(options: CheckOptions, progress: Progress): Promise<Finding[]> {
    await ensureVersion(this.#parts.redis);
    const { check } = await import("./check.ts");
    return await check(this.#parts.redis, options, progress);
  }

  /** What the server has kept is there after a restart. */
  async afterReboot(): Promise<void> {}
}

/** The bytes that a key takes, about; 0 if it is not there, or one may not ask. */
async function memoryOf(redis: Redis, key: string): Promise<number> {
  const bytes = await redis.again(() => redis.askPlain("MEMORY", "USAGE", redis.base + key))
    .catch((error) => {
      if (error instanceof QueueError && error.code === "refused") return 0;
      throw error;
    });
  return Number(bytes ?? 0);
}
