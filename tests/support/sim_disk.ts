// A disk in memory that can be stopped at any operation, lose what was not synced, and fail. It
// keeps a log of its operations, so the state after each of them can be built again: what a crash
// at that moment leaves.
import type { FileInfo, FileLock, FileSystem } from "../../src/system/file_system.ts";

interface FileNode {
  readonly kind: "file";
  readonly inode: number;
  /** How many names it has. */
  links: number;
  text: string;
  mode: number;
}
interface FolderNode {
  readonly kind: "folder";
  readonly inode: number;
  readonly entries: Map<string, FileNode | FolderNode>;
  mode: number;
}
type Node = FileNode | FolderNode;

/** One operation that changes the disk. */
export type Operation =
  | {
    readonly kind: "create" | "append";
    readonly path: string;
    readonly text: string;
    readonly sync?: boolean;
  }
  | { readonly kind: "copy" | "link" | "rename"; readonly path: string; readonly to: string }
  | {
    readonly kind: "remove" | "makeFolder" | "removeFolder" | "sync" | "syncAll";
    readonly path: string;
  };

/** What becomes of data that was written and not synced. */
export type Loss = "none" | "empty" | "cut";

/** Thrown where an operation is to fail. */
export type Failure = (operation: string, path: string, index: number) => Error | undefined;

const NONE: Failure = () => undefined;

export class SimDisk implements FileSystem {
  readonly #root: FolderNode;
  #inodes = 1;
  readonly #locks = new Set<string>();
  /** What was done since the disk was made. */
  readonly log: Operation[] = [];
  /** Asked before each operation, reading ones included: an error that it returns is thrown. */
  failure: Failure = NONE;
  #steps = 0;

  constructor(root?: FolderNode, inodes = 1) {
    this.#root = root ?? { kind: "folder", inode: 0, entries: new Map(), mode: 0o700 };
    this.#inodes = inodes;
  }

  /** How many operations were asked for, reading ones included. */
  get steps(): number {
    return this.#steps;
  }

  /** A disk with the same content, and neither locks nor a log. */
  copyOf(): SimDisk {
    const files = new Map<FileNode, FileNode>();
    const copy = (node: Node): Node => {
      if (node.kind === "file") {
        const known = files.get(node) ?? { ...node };
        files.set(node, known);
        return known;
      }
      return {
        ...node,
        entries: new Map([...node.entries].map(([name, child]) => [name, copy(child)])),
      };
    };
    return new SimDisk(copy(this.#root) as FolderNode, this.#inodes);
  }

  /**
   * This disk as a crash leaves it after the first `names` of the operations in `log`, of which the
   * data of the first `until` were written: names and renames reach the disk in order, data that is
   * not synced reaches it or not.
   */
  after(log: readonly Operation[], names: number, until: number, loss: Loss): SimDisk {
    const disk = this.copyOf();
    for (let i = 0; i < names; i++) {
      const operation = log[i]!;
      const text = "text" in operation ? operation.text : "";
      const isSafe = loss === "none" || operation.kind === "create" && operation.sync ||
        isSynced(log, i, until);
      disk.#redo(operation, isSafe ? text : loss === "empty" ? "" : text.slice(0, text.length / 2));
    }
    disk.log.length = 0;
    return disk;
  }

  /**
   * This disk as a crash after the first `until` operations leaves it on a file system that keeps
   * nothing but what was synced itself: names of which no later sync of their folder brought them
   * to the disk are lost, others kept.
   */
  afterStrict(log: readonly Operation[], until: number): SimDisk {
    const disk = this.copyOf();
    for (let i = 0; i < until; i++) {
      const operation = log[i]!;
      const named = "to" in operation ? operation.to : operation.path;
      const folder = named.slice(0, named.lastIndexOf("/"));
      const isData = operation.kind === "append";
      if (!isSyncedAt(log, i, until, isData ? named : folder)) continue;
      try {
        disk.#redo(operation, "text" in operation ? operation.text : "");
      } catch (error) {
        // What it builds on was lost.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        if (operation.kind === "link" || operation.kind === "rename") {
          disk.#bring(log, i, operation);
        }
      }
    }
    disk.log.length = 0;
    return disk;
  }

  /** Makes a file under a name that is synced, though the name that it had before is lost. */
  #bring(
    log: readonly Operation[],
    until: number,
    { path, to }: { path: string; to: string },
  ): void {
    let name = path;
    for (let i = until - 1; i >= 0; i--) {
      const operation = log[i]!;
      if (operation.kind === "rename" && name.startsWith(operation.to)) {
        name = operation.path + name.slice(operation.to.length);
      } else if (operation.kind === "create" && operation.path === name) {
        const [folder, last] = this.#place(to);
        const known = this.#brought.get(i) ??
          { kind: "file", inode: this.#inodes++, links: 0, text: operation.text, mode: 0o600 };
        this.#brought.set(i, known);
        unlinked(folder.entries.get(last));
        folder.entries.set(last, known);
        known.links++;
        return;
      }
    }
  }

  readonly #brought = new Map<number, FileNode>();

  #redo(operation: Operation, text: string): void {
    switch (operation.kind) {
      case "create":
        return this.create(operation.path, text);
      case "append":
        return this.append(operation.path, text);
      case "copy":
      case "link":
      case "rename":
        return this[operation.kind](operation.path, operation.to);
      case "remove":
      case "makeFolder":
      case "removeFolder":
        return this[operation.kind](operation.path);
    }
  }

  readText(path: string): string {
    this.#step("readText", path);
    const node = this.#need(path);
    if (node.kind === "folder") throw new Error(`Is a directory (os error 21): readfile '${path}'`);
    return node.text;
  }

  create(path: string, text: string, { sync = false } = {}): void {
    this.#step("create", path);
    const [folder, name] = this.#place(path);
    if (folder.entries.has(name)) throw new Deno.errors.AlreadyExists(path);
    folder.entries.set(name, { kind: "file", inode: this.#inodes++, links: 1, text, mode: 0o600 });
    this.log.push({ kind: "create", path, text, sync });
  }

  append(path: string, text: string): void {
    this.#step("append", path);
    this.#file(path).text += text;
    this.log.push({ kind: "append", path, text });
  }

  truncate(path: string, length: number): void {
    this.#step("truncate", path);
    const node = this.#file(path);
    node.text = node.text.slice(0, length);
  }

  copy(from: string, to: string): void {
    this.#step("copy", from);
    const { text } = this.#file(from);
    const [folder, name] = this.#place(to);
    if (folder.entries.has(name)) throw new Deno.errors.AlreadyExists(to);
    folder.entries.set(name, { kind: "file", inode: this.#inodes++, links: 1, text, mode: 0o600 });
    this.log.push({ kind: "copy", path: from, to });
  }

  link(path: string, to: string): void {
    this.#step("link", path);
    const node = this.#file(path);
    const [folder, name] = this.#place(to);
    if (folder.entries.has(name)) throw new Deno.errors.AlreadyExists(to);
    folder.entries.set(name, node);
    node.links++;
    this.log.push({ kind: "link", path, to });
  }

  rename(path: string, to: string): void {
    this.#step("rename", path);
    const [fromFolder, fromName] = this.#place(path);
    const node = fromFolder.entries.get(fromName);
    if (node === undefined) throw new Deno.errors.NotFound(path);
    const [folder, name] = this.#place(to);
    const there = folder.entries.get(name);
    if (there?.kind === "folder" && (node.kind === "file" || there.entries.size > 0)) {
      throw new Error(`Directory not empty (os error 39): rename '${path}' -> '${to}'`);
    }
    this.log.push({ kind: "rename", path, to });
    if (there === node) return; // two names of one file both stay, as POSIX has it
    unlinked(there);
    fromFolder.entries.delete(fromName);
    folder.entries.set(name, node);
  }

  remove(path: string): void {
    this.#step("remove", path);
    const [folder, name] = this.#place(path);
    const node = folder.entries.get(name);
    if (node === undefined) throw new Deno.errors.NotFound(path);
    if (node.kind === "folder" && node.entries.size > 0) {
      throw new Error(`Directory not empty: ${path}`);
    }
    folder.entries.delete(name);
    unlinked(node);
    this.log.push({ kind: "remove", path });
  }

  makeFolder(path: string): void {
    this.#step("makeFolder", path);
    const [folder, name] = this.#place(path);
    if (folder.entries.has(name)) throw new Deno.errors.AlreadyExists(path);
    folder.entries.set(name, {
      kind: "folder",
      inode: this.#inodes++,
      entries: new Map(),
      mode: 0o700,
    });
    this.log.push({ kind: "makeFolder", path });
  }

  removeFolder(path: string): void {
    this.remove(path);
  }

  names(path: string): string[] {
    this.#step("names", path);
    return [...this.#folder(path).entries.keys()];
  }

  info(path: string): FileInfo | undefined {
    this.#step("info", path);
    const node = this.#find(path.replace(/\/\.$/, ""));
    return node && {
      kind: node.kind,
      size: node.kind === "file" ? node.text.length : 0,
      modifiedAt: 0,
      inode: node.inode,
      links: node.kind === "file" ? node.links : 2,
      mode: node.mode,
      owner: 0,
    };
  }

  setMode(path: string, mode: number): void {
    this.#step("setMode", path);
    this.#need(path).mode = mode;
  }

  touch(path: string): void {
    this.#step("touch", path);
    this.#need(path);
  }

  sync(path: string): void {
    this.#step("sync", path);
    this.#need(path);
    this.log.push({ kind: "sync", path });
  }

  syncAll(path: string): void {
    this.#step("syncAll", path);
    this.log.push({ kind: "syncAll", path });
  }

  lock(path: string): FileLock | undefined {
    this.#step("lock", path);
    if (this.#locks.has(path)) return undefined;
    if (this.#find(path) === undefined) this.create(path, "");
    this.#locks.add(path);
    return { release: () => void this.#locks.delete(path) };
  }

  /** All files and folders below `path`, for looking at. */
  tree(path = ""): string[] {
    const node = path === "" ? this.#root : this.#find(path);
    if (node?.kind !== "folder") return [];
    return [...node.entries].flatMap(([name, child]) =>
      child.kind === "file"
        ? [`${path}/${name}`]
        : [`${path}/${name}/`, ...this.tree(`${path}/${name}`)]
    );
  }

  #step(operation: string, path: string): void {
    const error = this.failure(operation, path, this.#steps++);
    if (error !== undefined) throw error;
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const part of path.split("/").slice(1)) {
      if (node?.kind !== "folder") return undefined;
      node = node.entries.get(part);
    }
    return node;
  }

  #need(path: string): Node {
    const node = this.#find(path);
    if (node === undefined) throw new Deno.errors.NotFound(path);
    return node;
  }

  #file(path: string): FileNode {
    const node = this.#need(path);
    if (node.kind !== "file") throw new Error(`Is a directory: ${path}`);
    return node;
  }

  #folder(path: string): FolderNode {
    const node = this.#need(path);
    if (node.kind !== "folder") throw new Deno.errors.NotADirectory(path);
    return node;
  }

  #place(path: string): [FolderNode, string] {
    const cut = path.lastIndexOf("/");
    return [cut === 0 ? this.#root : this.#folder(path.slice(0, cut)), path.slice(cut + 1)];
  }
}

/** A name of this file is gone. */
function unlinked(node: Node | undefined): void {
  if (node?.kind === "file") node.links--;
}

/** Whether the data of operation `i` was synced by a later one that came before `until`. */
function isSynced(log: readonly Operation[], i: number, until: number): boolean {
  return isSyncedAt(log, i, until, log[i]!.path);
}

function isSyncedAt(log: readonly Operation[], i: number, until: number, path: string): boolean {
  return log.slice(i + 1, until).some((later) =>
    later.kind === "sync" && later.path === path ||
    later.kind === "syncAll" && path.startsWith(`${later.path}/`)
  );
}

/**
 * How many operations of a log are on disk for sure when the first `until` were done: all before
 * the last sync.
 */
export function surelyDone(log: readonly Operation[], until: number): number {
  for (let i = until - 1; i >= 0; i--) {
    const operation = log[i]!;
    if (operation.kind === "sync" || operation.kind === "syncAll") return i + 1;
    // Syncing a file brings the names before it to the disk as well, since those go through one
    // journal.
    if (operation.kind === "create" && operation.sync) return i + 1;
  }
  return 0;
}
