// The file operations that the program is built on, each one step that a crash can fall before or
// after. Everything that touches the data folder goes through this, so that a test can stop it
// dead, or fill the disk, at every step.

export interface FileInfo {
  readonly kind: "file" | "folder" | "link" | "other";
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly inode: number;
  /** The file system that it lies in; 0 where the system does not tell. */
  readonly device: number;
  /** How many names the file has; 0 where the system does not tell. */
  readonly links: number;
  readonly mode: number;
  readonly owner: number;
}

/** A lock that lasts until `release`, or until this process ends, however it ends. */
export interface FileLock {
  release(): void;
}

/**
 * Synchronous, since that costs a third of the asynchronous calls here. Errors are Deno's
 * (`Deno.errors.NotFound`, …).
 */
export interface FileSystem {
  readText(path: string): string;
  /**
   * Part of a file, which may be too big to be text in memory: at most `length` bytes from
   * `offset`, fewer only at the end; undefined if there is no such file.
   */
  readBytes(path: string, offset: number, length: number): Uint8Array | undefined;
  /** The path with all links followed. */
  realPath(path: string): string;
  /**
   * Makes a new file, mode 0600; with `sync` its content is on disk on return. @throws
   * AlreadyExists
   */
  create(path: string, text: string, options?: { sync?: boolean }): void;
  /** Adds to the end of a file, which must exist, in one write. */
  append(path: string, content: string | Uint8Array): void;
  /** Cuts a file down to so many bytes. */
  truncate(path: string, size: number): void;
  link(existing: string, path: string): void;
  /** Makes a new file, mode 0600, with the content of another. @throws AlreadyExists */
  copy(from: string, to: string): void;
  /** Replaces `to` if that is a file. */
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Makes a folder, mode 0700. @throws AlreadyExists */
  makeFolder(path: string): void;
  /** Removes an empty folder. */
  removeFolder(path: string): void;
  /** The names in a folder, in no order. */
  names(path: string): string[];
  /** What lies at `path`, links not followed; undefined if nothing does. */
  info(path: string): FileInfo | undefined;
  /** Sets the permission bits. */
  setMode(path: string, mode: number): void;
  /** Marks the file or folder as modified now, which those who watch it see. */
  touch(path: string): void;
  /** Returns when the file's content, or the names in a folder, are on disk. */
  sync(path: string): void;
  /** Returns when all that was written below `path` is on disk: one flush of its file system. */
  syncAll(path: string): void;
  /** Locks a file, making it if need be; undefined if another process has the lock. */
  lock(path: string): FileLock | undefined;
}

const encoder = new TextEncoder();

/** The real thing. */
export const diskFiles: FileSystem = {
  readText: (path) => Deno.readTextFileSync(path),
  readBytes,
  realPath: (path) => Deno.realPathSync(path),
  create(path, text, { sync = false } = {}) {
    const file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
    try {
      writeAll(file, encoder.encode(text));
      if (sync) file.syncDataSync();
    } catch (error) {
      Deno.removeSync(path); // a full disk must not leave half a file under this name
      throw error;
    } finally {
      file.close();
    }
  },
  append(path, content) {
    const file = Deno.openSync(path, { append: true });
    try {
      writeAll(file, typeof content === "string" ? encoder.encode(content) : content);
    } finally {
      file.close();
    }
  },
  truncate: (path, size) => Deno.truncateSync(path, size),
  copy(from, to) {
    Deno.openSync(to, { write: true, createNew: true, mode: 0o600 }).close();
    Deno.copyFileSync(from, to);
    if (Deno.build.os !== "windows") Deno.chmodSync(to, 0o600); // copying takes the mode along
  },
  link: (existing, path) => Deno.linkSync(existing, path),
  rename: (from, to) => Deno.renameSync(from, to),
  remove: (path) => Deno.removeSync(path),
  makeFolder: (path) => Deno.mkdirSync(path, { mode: 0o700 }),
  removeFolder: (path) => Deno.removeSync(path),
  names: (path) => Array.from(Deno.readDirSync(path), (entry) => entry.name),
  info(path) {
    try {
      const info = Deno.lstatSync(path);
      return {
        kind: info.isFile
          ? "file"
          : info.isDirectory
          ? "folder"
          : info.isSymlink
          ? "link"
          : "other",
        size: info.size,
        modifiedAt: info.mtime?.getTime() ?? 0,
        inode: info.ino ?? 0,
        device: info.dev ?? 0,
        links: info.nlink ?? 0,
        mode: info.mode ?? 0,
        owner: info.uid ?? 0,
      };
    } catch (error) {
      // Also where a file stands in the way of a folder, nothing lies there.
      const nothing = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotADirectory;
      if (nothing) return undefined;
      throw error;
    }
  },
  setMode: (path, mode) => Deno.chmodSync(path, mode),
  touch(path) {
    const now = new Date();
    Deno.utimeSync(path, now, now);
  },
  sync(path) {
    const file = Deno.openSync(path, { read: true });
    try {
      file.syncSync();
    } finally {
      file.close();
    }
  },
  syncAll(path) {
    // Deno has no syncfs(2); coreutils and busybox have it as `sync -f`, and plain `sync` is POSIX.
    for (const args of [["-f", path], []]) {
      const { success } = new Deno.Command("sync", {
        args,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      })
        .outputSync();
      if (success) return;
    }
    throw new Error("The program sync failed");
  },
  lock(path) {
    for (;;) {
      const file = Deno.openSync(path, { write: true, create: true, mode: 0o600 });
      const locked = file.tryLockSync(true);
      // Whoever had the lock may have removed the file before letting go: then this is the lock of
      // no name.
      if (locked && file.statSync().ino === diskFiles.info(path)?.inode) {
        return { release: () => file.close() };
      }
      file.close();
      if (!locked) return undefined;
    }
  },
};

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

function readBytes(path: string, offset: number, length: number): Uint8Array | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    file.seekSync(offset, Deno.SeekMode.Start);
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const read = file.readSync(bytes.subarray(done));
      if (read === null || read === 0) break;
      done += read;
    }
    return bytes.subarray(0, done);
  } finally {
    file.close();
  }
}
