// Maintenance of a data folder. The code of each operation is loaded when it is called.
import type {
  BackupResult,
  CheckOptions,
  Finding,
  Maintenance,
  RestoreOptions,
  StoreSize,
} from "../../queue/maintenance.ts";
import type { Progress } from "../../queue/operations.ts";
import type { FileSystem } from "../../system/file_system.ts";

export class FileMaintenance implements Maintenance {
  readonly #dataDir: string;
  readonly #files: FileSystem;

  constructor(dataDir: string, files: FileSystem) {
    this.#dataDir = dataDir;
    this.#files = files;
  }

  async size(): Promise<StoreSize> {
    const { measureFolder } = await import("../../system/measure_folder.ts");
    return measureFolder(this.#files, this.#dataDir);
  }

  async backup(target: string, progress: Progress): Promise<BackupResult> {
    const { backup } = await import("./backup.ts");
    return backup(this.#dataDir, target, this.#files, progress);
  }

  async restore(from: string, options: RestoreOptions, progress: Progress) {
    const { restore } = await import("./restore.ts");
    return await restore(this.#dataDir, from, this.#files, progress, options);
  }

  async check(options: CheckOptions, progress: Progress): Promise<Finding[]> {
    const { check } = await import("./check.ts");
    return await check(this.#dataDir, this.#files, options, progress);
  }

  async afterReboot(): Promise<void> {
    const [{ currentBoot }, { restoreLostLines }] = await Promise.all([
      import("../../system/boot.ts"),
      import("./after_reboot.ts"),
    ]);
    const boot = await currentBoot(Date.now());
    if (boot !== undefined) restoreLostLines(this.#dataDir, this.#files, boot);
  }
}
