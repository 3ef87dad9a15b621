// The file operations that the program uses. Each is one step: a crash comes before or after it.
// All access to the data folder goes through this, so that a test can simulate a crash, or a full
// disk, at every step.
import { folderOf } from "./paths.ts";

export interface FileInfo {
  readonly kind: "file" | "folder" | "link" | "other";
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly inode: number;
  /** The device number of its file system; 0 if the system does not tell. */
  readonly device: number;
  /** The number of hard links; 0 if the system does not tell. */
  readonly links: number;
  readonly mode: number;
  readonly owner: number;
}

/** A lock that lasts until `release`, or until this process ends, however it ends. */
export interface FileLock {
  /** Does nothing where it was released before. */
  release(): void;
}

/**
 * Synchronous, since that costs a third of asynchronous calls here. Errors are Deno's
 * (`Deno.errors.NotFound`, …).
 */
export interface FileSystem {
  readText(path: string): string;
  /**
   * A part of a file: `length` bytes from `offset`, fewer only at the end of the file; undefined if
   * there is no such file.
   */
  readBytes(path: string, offset: number, length: number): Uint8Array | undefined;
  /** The path with all links resolved. */
  realPath(path: string): string;
  /**
   * Makes a new file with mode 0600. With `sync`, its contents are on disk when this returns.
   * @throws AlreadyExists
   */
  create(path: string, text: string, options?: { sync?: boolean }): void;
  /** Appends to an existing file, in one write. */
  append(path: string, content: string | Uint8Array): void;
  /** Truncates a file to `size` bytes. */
  truncate(path: string, size: number): void;
  link(existing: string, path: string): void;
  /**
   * Makes a new file with mode 0600 and the contents of another.
   * @throws AlreadyExists
   */
  copy(from: string, to: string): void;
  /** Renames a file or folder; replaces `to` if that is a file. */
  rename(from: string, to: string): void;
  remove(path: string): void;
  /**
   * Makes a folder with mode 0700.
   * @throws AlreadyExists
   */
  makeFolder(path: string): void;
  /** Removes an empty folder. */
  removeFolder(path: string): void;
  /** The names in a folder, in any order. */
  names(path: string): string[];
  /** What is at `path`, without following links; undefined if there is nothing. */
  info(path: string): FileInfo | undefined;
  /** Sets the permission bits. */
  setMode(path: string, mode: number): void;
  /** Sets the modification time to now, which processes that watch it notice. */
  touch(path: string): void;
  /** Returns when the contents of a file, or the names in a folder, are on disk. */
  sync(path: string): void;
  /** Returns when everything below `path` is on disk, by one flush of its file system. */
  syncAll(path: string): void;
  /**
   * Locks a file, which is made if it does not exist; undefined if another process has the lock.
   *
   * @param create `false` not to make it
   *
   * @throws Deno.errors.NotFound if there is none, and it is not to be made
   */
  lock(path: string, create?: boolean): FileLock | undefined;
}

/**
 * What a path leads to, following links; undefined if there is nothing. Not by `info` with `/.` at
 * the end of the path: once a process has given up any permission, Deno removes it, and looks at
 * the link itself.
 */
export function infoOfTarget(
  files: Pick<FileSystem, "info" | "realPath">,
  path: string,
): FileInfo | undefined {
  const info = files.info(path);
  if (info?.kind !== "link") return info;
  try {
    return files.info(files.realPath(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined; // the link leads nowhere
    throw error;
  }
}

/**
 * Makes a folder, and those that it lies in. It is fine if another process makes them meanwhile.
 *
 * @param refused the error to throw if there is something else at a path that should be a folder
 */
export function makeFolders(
  files: FileSystem,
  path: string,
  refused: (path: string) => Error,
): void {
  const parent = folderOf(path);
  const above = infoOfTarget(files, parent);
  if (above === undefined) makeFolders(files, parent, refused);
  else if (above.kind !== "folder") throw refused(parent);
  try {
    files.makeFolder(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    if (infoOfTarget(files, path)?.kind !== "folder") throw refused(path);
  }
}

const encoder = new TextEncoder();

/** The file system of this machine. */
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
    // One call for Deno, which costs half of opening, writing and closing.
    const bytes = typeof content === "string" ? encoder.encode(content) : content;
    Deno.writeFileSync(path, bytes, { append: true, create: false });
  },
  truncate: (path, size) => Deno.truncateSync(path, size),
  copy(from, to) {
    Deno.openSync(to, { write: true, createNew: true, mode: 0o600 }).close();
    Deno.copyFileSync(from, to);
    if (Deno.build.os !== "windows") Deno.chmodSync(to, 0o600); // the copy has the original's mode
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
      // If a part of the path is a file and not a folder, nothing is there.
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
  lock(path, create = true) {
    for (;;) {
      const file = Deno.openSync(path, { write: true, create, mode: 0o600 });
      const locked = file.tryLockSync(true);
      const named = diskFiles.info(path);
      if (named?.kind === "link") {
        file.close();
        throw new Error(`Is a symbolic link: lock '${path}'`); // it never has the inode of the file
      }
      // The previous holder may have removed the file before it released the lock. Then this lock
      // is on a file without a name.
      if (locked && file.statSync().ino === named?.inode) {
        let isHeld = true;
        const release = () => {
          if (isHeld) unlock(file);
          isHeld = false;
        };
        return { release };
      }
      file.close();
      if (!locked) return undefined;
    }
  },
};

// Closing alone is late: a child that another thread has just begun shares the open file, and with
// it the lock, until it executes its program.
function unlock(file: Deno.FsFile): void {
  file.unlockSync();
  file.close();
}

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
