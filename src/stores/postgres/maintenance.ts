// A queue in a database as a whole: its size, backups, and what does not fit together.
import type {
  BackupResult,
  CheckOptions,
  Finding,
  LeftOut,
  Maintenance,
  StoreSize,
} from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import type { FileSystem } from "../../system/file_system.ts";
import type { Database } from "./connection.ts";

export class PostgresMaintenance implements Maintenance {
  readonly #database: Database;
  readonly #files: FileSystem;

  constructor(database: Database, files: FileSystem) {
    this.#database = database;
    this.#files = files;
  }

  async size(): Promise<StoreSize> {
    const [row] = await this.#database.read<{ bytes: number; logs: number }>(
      `select coalesce(sum(pg_total_relation_size(c.oid)), 0) as bytes,
        coalesce(sum(pg_total_relation_size(c.oid)) filter (where relname = 'outputs'), 0) as logs
      from pg_class c join pg_namespace n on n.oid = relnamespace
      where nspname = $1 and relkind in ('r', 'p')`,
      [this.#database.schema],
    );
    return { files: 0, bytes: row!.bytes, logBytes: row!.logs };
  }

  async backup(target: string, progress: Progress): Promise<BackupResult> {
    const { backup } = await import("./backup.ts");
    return await backup(this.#database, target, this.#files, progress);
  }

  async restore(
    from: string,
    progress: Progress,
  ): Promise<{ readonly jobs: number; readonly leftOut: readonly LeftOut[] }> {
    const { restore } = await import("./restore.ts");
    return await restore(this.#database, from, this.#files, progress);
  }

  async check(options: CheckOptions, progress: Progress): Promise<Finding[]> {
    const { check } = await import("./check.ts");
    return await check(this.#database, options, progress);
  }

  /** What is committed is there after a restart. */
  async afterReboot(): Promise<void> {}
}
