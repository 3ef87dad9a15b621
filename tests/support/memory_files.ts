// The simulated disk with conveniences for tests of commands: folders that exist from the start,
// files that are written with their parent folders, and one call that fails.
import type { FileSystem } from "../../src/system/file_system.ts";
import { SimDisk } from "./sim_disk.ts";

export class MemoryFiles extends SimDisk {
  /** Makes the next call of an operation fail. */
  failNext: { operation: keyof FileSystem; error: Error } | undefined;

  constructor(...folders: string[]) {
    super();
    for (const folder of folders) this.makeFolder(folder);
    this.failure = (operation) => {
      if (this.failNext?.operation !== operation) return undefined;
      const { error } = this.failNext;
      this.failNext = undefined;
      return error;
    };
  }

  /** Writes a file, making the folders above it. */
  write(path: string, text: string): void {
    this.makeAll(path.slice(0, path.lastIndexOf("/")));
    if (this.info(path) !== undefined) this.remove(path);
    this.create(path, text);
  }

  /** Makes a folder, and those above it. */
  makeAll(folder: string): void {
    if (folder === "" || this.info(folder) !== undefined) return;
    this.makeAll(folder.slice(0, folder.lastIndexOf("/")));
    this.makeFolder(folder);
  }
}
