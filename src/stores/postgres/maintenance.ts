// A queue in a database as a whole: its size, backups, and what does not fit together.
import type {
  BackupResult,
  CheckOptions,
  Finding,
  LeftOut,
  Maintenance,
  OpenTransaction,
  RestoreOptions,
  StoreSize,
} from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { anyWorks, type Workers } from "../../queue/workers.ts";
import { QueueError } from "../../queue/errors.ts";
import type { Database } from "./connection.ts";
import { ensureSchema, schemaScript } from "./schema.ts";

export interface MaintenanceParts {
  readonly database: Database;
  readonly files: FileSystem;
  readonly workers: () => Promise<Workers>;
  /** Makes the tables, if they are not there. */
  readonly ready: () => Promise<void>;
}

export class PostgresMaintenance implements Maintenance {
  readonly #parts: MaintenanceParts;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
  }

  async size(): Promise<StoreSize> {
    await this.#parts.ready();
    const [row] = await this.#parts.database.read<{ bytes: number; logs: number }>(
      `select coalesce(sum(pg_total_relation_size(c.oid)), 0) as bytes,
        coalesce(sum(pg_total_relation_size(c.oid)) filter (where relname = 'outputs'), 0) as logs
      from pg_class c join pg_namespace n on n.oid = relnamespace
      where nspname = $1 and relkind in ('r', 'p')`,
      [this.#parts.database.schema],
    );
    return { files: 0, bytes: row!.bytes, logBytes: row!.logs };
  }

  async cautions(): Promise<readonly string[]> {
    // In a transaction: a pooler that has none says so here, and not when the first worker needs one.
    const [row] = await this.#parts.database.transaction((sql) =>
      sql.query<{ waits: boolean }>(
        "select current_setting('synchronous_commit') <> 'off' as waits",
      )
    );
    return row!.waits ? [] : [
      `${this.#parts.database.name} does not wait for its disk (synchronous_commit=off): if it ` +
      "crashes, it loses jobs, and may run some twice",
    ];
  }

  async openTransactions(): Promise<readonly OpenTransaction[]> {
    const { openTransactions } = await import("./open_transactions.ts");
    return await openTransactions(this.#parts.database);
  }

  async backup(target: string, progress: Progress): Promise<BackupResult> {
    await this.#parts.ready();
    const { backup } = await import("./backup.ts");
    const { database, files } = this.#parts;
    return await backup(database, target, files, progress);
  }

  async restore(
    from: string,
    { over }: RestoreOptions,
    progress: Progress,
  ): Promise<{ readonly jobs: number; readonly leftOut: readonly LeftOut[] }> {
    await this.#parts.ready();
    const { restore } = await import("./restore.ts");
    const { database, files, workers } = this.#parts;
    const isAnybodyThere = async () => anyWorks(await workers());
    return await restore({ database, files, over, isAnybodyThere }, from, progress);
  }

  async check(options: CheckOptions, progress: Progress): Promise<Finding[]> {
    const { database } = this.#parts;
    const missing = options.repair ? await missingTables(database) : undefined;
    if (missing !== undefined) return [missing];
    await this.#parts.ready();
    const { check } = await import("./check.ts");
    return await check(database, options, progress);
  }

  /** What is committed is there after a restart. */
  async afterReboot(): Promise<void> {}
}

/** That the tables may not be made or changed, with what helps; undefined if they are as they should. */
async function missingTables(database: Database): Promise<Finding | undefined> {
  try {
    await ensureSchema(database);
    return undefined;
  } catch (error) {
    // One of a newer version has no cause.
    const isRights = error instanceof QueueError && error.code === "refused" &&
      error.cause !== undefined;
    if (!isRights) throw error;
    const problem = `${error.message}; have its owner run this`;
    return { path: "tables", problem, repaired: null, script: await schemaScript(database) };
  }
}
