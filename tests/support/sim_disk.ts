// A disk in memory that can crash at any operation, lose unsynced data, and fail. It keeps a log of
// its operations, from which the state after each of them can be rebuilt, as a crash at that moment
// would leave it. It can also tell what each operation read and changed, so that a test of two
// processes knows which of their operations depend on one another.
import type { FileInfo, FileLock, FileSystem } from "../../src/system/file_system.ts";

interface FileNode {
  readonly kind: "file";
  readonly inode: number;
  text: string;
  mode: number;
  links: number;
  modifiedAt: number;
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

/** Inodes made by one actor are counted from its number times this. */
const INODES_EACH = 1_000_000;

/**
 * What an operation looked at and changed, as texts that name an entry of a folder, the content of
 * a file, and so on. Two operations depend on one another where one changes what the other looks at
 * or changes. `counts` are changes whose order among themselves does not matter: a name more or
 * less in a folder, a link more or less of a file.
 */
export class Access {
  readonly looks: string[] = [];
  readonly changes: string[] = [];
  readonly counts: string[] = [];
}

export class SimDisk implements FileSystem {
  readonly #root: FolderNode;
  /** How many inodes each actor has made. */
  readonly #inodes: number[];
  /** Which actor has the lock of a file, by its inode. */
  readonly #locks = new Map<number, number>();
  /** What was done since the disk was made. */
  readonly log: Operation[] = [];
  /** Asked before each operation, reading ones included: an error that it returns is thrown. */
  failure: Failure = NONE;
  /** The process on whose behalf operations are done: locks are its own. */
  actor = 0;
  /** Told what operations look at and change, if that is wanted. */
  access: Access | undefined;
  #steps = 0;
  #clock = 0;

  constructor(root?: FolderNode, inodes: number[] = []) {
    this.#root = root ??
      { kind: "folder", inode: this.#newInode(inodes), entries: new Map(), mode: 0o700 };
    this.#inodes = inodes;
  }

  /** How many operations were asked for, reading ones included. */
  get steps(): number {
    return this.#steps;
  }

  /** A disk with the same content, without a log, and without locks unless those are wanted. */
  copyOf({ locks = false } = {}): SimDisk {
    const files = new Map<FileNode, FileNode>();
    const copy = (node: Node): Node => {
      if (node.kind === "file") {
        if (node.links === 1) return { ...node };
        const known = files.get(node) ?? { ...node };
        files.set(node, known);
        return known;
      }
      const entries = new Map<string, Node>();
      for (const [name, child] of node.entries) entries.set(name, copy(child));
      return { kind: "folder", inode: node.inode, mode: node.mode, entries };
    };
    const disk = new SimDisk(copy(this.#root) as FolderNode, [...this.#inodes]);
    if (locks) { for (const [inode, actor] of this.#locks) disk.#locks.set(inode, actor); }
    return disk;
  }

  #newInode(inodes = this.#inodes): number {
    const made = inodes[this.actor] ?? 0;
    inodes[this.actor] = made + 1;
    return this.actor * INODES_EACH + made;
  }

  #newFile(text: string): FileNode {
    const inode = this.#newInode();
    return { kind: "file", inode, text, mode: 0o600, links: 1, modifiedAt: ++this.#clock };
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
        const known = this.#brought.get(i);
        const file = known ?? this.#newFile(operation.text);
        if (known !== undefined) known.links++;
        this.#brought.set(i, file);
        folder.entries.set(last, file);
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
    this.access?.looks.push(`content ${node.inode}`);
    return node.text;
  }

  readBytes(path: string, offset: number, length: number): Uint8Array | undefined {
    if (this.info(path) === undefined) return undefined;
    return new TextEncoder().encode(this.readText(path)).subarray(offset, offset + length);
  }

  /** There are no links to folders here. */
  realPath(path: string): string {
    return path;
  }

  create(path: string, text: string, { sync = false } = {}): void {
    this.#step("create", path);
    const [folder, name] = this.#place(path);
    this.#mustBeFree(folder, name, path);
    this.#enter(folder, name, this.#newFile(text));
    this.log.push({ kind: "create", path, text, sync });
  }

  append(path: string, text: string): void {
    this.#step("append", path);
    const file = this.#file(path);
    this.access?.changes.push(`content ${file.inode}`);
    file.text += text;
    this.log.push({ kind: "append", path, text });
  }

  truncate(path: string, length: number): void {
    this.#step("truncate", path);
    const node = this.#file(path);
    this.access?.changes.push(`content ${node.inode}`);
    node.text = node.text.slice(0, length).padEnd(length, "\0");
  }

  copy(from: string, to: string): void {
    this.#step("copy", from);
    const { text, inode } = this.#file(from);
    this.access?.looks.push(`content ${inode}`);
    const [folder, name] = this.#place(to);
    this.#mustBeFree(folder, name, to);
    this.#enter(folder, name, this.#newFile(text));
    this.log.push({ kind: "copy", path: from, to });
  }

  link(path: string, to: string): void {
    this.#step("link", path);
    const node = this.#file(path);
    const [folder, name] = this.#place(to);
    this.#mustBeFree(folder, name, to);
    this.#enter(folder, name, node);
    node.links++;
    this.access?.counts.push(`links ${node.inode}`);
    this.log.push({ kind: "link", path, to });
  }

  rename(path: string, to: string): void {
    this.#step("rename", path);
    const [fromFolder, fromName] = this.#place(path);
    const node = this.#entry(fromFolder, fromName);
    if (node === undefined) throw notFound(path, "rename");
    const [folder, name] = this.#place(to);
    const there = this.#entry(folder, name);
    if (there?.kind === "folder") {
      this.access?.looks.push(`names ${there.inode}`);
      if (node.kind === "file" || there.entries.size > 0) {
        throw new Error(`Directory not empty (os error 39): rename '${path}' -> '${to}'`);
      }
    } else if (there !== undefined && node.kind === "folder") {
      throw new Deno.errors.NotADirectory(`Not a directory (os error 20): rename '${path}'`);
    }
    // Two names of one file: the system does nothing at all then.
    if (there !== node) {
      if (there?.kind === "file") this.#unlinked(there);
      this.#leave(fromFolder, fromName);
      this.#enter(folder, name, node);
    }
    this.log.push({ kind: "rename", path, to });
  }

  remove(path: string): void {
    this.#step("remove", path);
    const [folder, name] = this.#place(path);
    const node = this.#entry(folder, name);
    if (node === undefined) throw notFound(path, "remove");
    if (node.kind === "folder") {
      this.access?.looks.push(`names ${node.inode}`);
      if (node.entries.size > 0) throw new Error(`Directory not empty (os error 39): ${path}`);
    } else this.#unlinked(node);
    this.#leave(folder, name);
    this.log.push({ kind: "remove", path });
  }

  makeFolder(path: string): void {
    this.#step("makeFolder", path);
    const [folder, name] = this.#place(path);
    this.#mustBeFree(folder, name, path);
    const inode = this.#newInode();
    this.#enter(folder, name, { kind: "folder", inode, entries: new Map(), mode: 0o700 });
    this.log.push({ kind: "makeFolder", path });
  }

  removeFolder(path: string): void {
    this.remove(path);
  }

  names(path: string): string[] {
    this.#step("names", path);
    const folder = this.#folder(path);
    this.access?.looks.push(`names ${folder.inode}`);
    return [...folder.entries.keys()].sort();
  }

  info(path: string): FileInfo | undefined {
    this.#step("info", path);
    const node = this.#find(path);
    if (node === undefined) return undefined;
    const { kind, inode, mode } = node;
    this.access?.looks.push(`mode ${inode}`);
    if (node.kind === "folder") {
      this.access?.looks.push(`folders ${inode}`);
      // As on most file systems: two, and one for each folder in it.
      const links = 2 + [...node.entries.values()].filter(({ kind }) => kind === "folder").length;
      return { kind, size: 0, links, modifiedAt: 0, inode, device: 0, mode, owner: OWNER };
    }
    for (const what of ["content", "links", "touched"]) this.access?.looks.push(`${what} ${inode}`);
    const { links, modifiedAt, text } = node;
    return { kind, size: sizeOf(text), links, modifiedAt, inode, device: 0, mode, owner: OWNER };
  }

  setMode(path: string, mode: number): void {
    this.#step("setMode", path);
    const node = this.#need(path);
    this.access?.changes.push(`mode ${node.inode}`);
    node.mode = mode;
  }

  touch(path: string): void {
    this.#step("touch", path);
    const node = this.#need(path);
    if (node.kind === "folder") return;
    this.access?.changes.push(`touched ${node.inode}`);
    node.modifiedAt = ++this.#clock;
  }

  sync(path: string): void {
    this.#step("sync", path);
    this.#need(path);
    this.log.push({ kind: "sync", path });
  }

  syncAll(path: string): void {
    this.#step("syncAll", path);
    this.#need(path);
    this.log.push({ kind: "syncAll", path });
  }

  lock(path: string, create = true): FileLock | undefined {
    this.#step("lock", path);
    const inode = this.openForLock(path, create);
    return this.tryLock(inode) ? { release: () => this.unlock(inode) } : undefined;
  }

  /** The first step of locking: opens the file, made if need be. @returns its inode */
  openForLock(path: string, create = true): number {
    if (!create) this.#need(path);
    const [folder, name] = this.#place(path);
    const node = this.#entry(folder, name) ?? this.#newFile("");
    if (node.kind === "folder") throw new Error(`Is a directory (os error 21): open '${path}'`);
    if (folder.entries.get(name) === undefined) {
      this.#enter(folder, name, node);
      this.log.push({ kind: "create", path, text: "", sync: false });
    }
    return node.inode;
  }

  /** The second step: locks the opened file, which may have lost its name meanwhile. */
  tryLock(inode: number): boolean {
    this.access?.changes.push(`lock ${inode}`);
    if (this.#locks.has(inode)) return false;
    this.#locks.set(inode, this.actor);
    return true;
  }

  unlock(inode: number): void {
    this.access?.changes.push(`lock ${inode}`);
    this.#locks.delete(inode);
  }

  /** Frees all locks of a process that has died. @returns what was changed by that */
  die(actor: number): Access {
    const access = new Access();
    for (const [inode, holder] of this.#locks) {
      if (holder !== actor) continue;
      this.#locks.delete(inode);
      access.changes.push(`lock ${inode}`);
    }
    return access;
  }

  /** All that is on the disk, as a text that is the same for the same content. */
  fingerprint(): string {
    const inodes = new Map<FileNode, number>();
    const show = (folder: FolderNode): string =>
      [...folder.entries.keys()].sort().map((name) => {
        const node = folder.entries.get(name)!;
        if (node.kind === "folder") return `${name}{${show(node)}}`;
        const known = inodes.get(node);
        if (known !== undefined) return `${name}=${known}`;
        inodes.set(node, inodes.size);
        const lock = this.#locks.get(node.inode) ?? "";
        return `${name}=${inodes.size - 1}:${lock}:${node.links}:${node.text}`;
      }).join();
    return show(this.#root);
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

  #entry(folder: FolderNode, name: string): Node | undefined {
    this.access?.looks.push(`entry ${folder.inode}/${name}`);
    return folder.entries.get(name);
  }

  #enter(folder: FolderNode, name: string, node: Node): void {
    folder.entries.set(name, node);
    this.#noteEntry(folder, name, node);
  }

  #leave(folder: FolderNode, name: string): void {
    const node = folder.entries.get(name);
    folder.entries.delete(name);
    this.#noteEntry(folder, name, node);
  }

  #noteEntry(folder: FolderNode, name: string, node: Node | undefined): void {
    this.access?.changes.push(`entry ${folder.inode}/${name}`);
    this.access?.counts.push(`names ${folder.inode}`);
    if (node?.kind === "folder") this.access?.counts.push(`folders ${folder.inode}`);
  }

  #unlinked(file: FileNode): void {
    file.links--;
    this.access?.counts.push(`links ${file.inode}`);
  }

  #mustBeFree(folder: FolderNode, name: string, path: string): void {
    if (this.#entry(folder, name) === undefined) return;
    throw new Deno.errors.AlreadyExists(`File exists (os error 17): open '${path}'`);
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    if (path === "/") return node;
    for (const part of path.split("/").slice(1)) {
      if (node?.kind !== "folder") return undefined;
      node = this.#entry(node, part);
    }
    return node;
  }

  #need(path: string): Node {
    const node = this.#find(path);
    if (node === undefined) throw notFound(path, "open");
    return node;
  }

  #file(path: string): FileNode {
    const node = this.#need(path);
    if (node.kind !== "file") throw new Error(`Is a directory (os error 21): ${path}`);
    return node;
  }

  #folder(path: string): FolderNode {
    const node = this.#need(path);
    if (node.kind !== "folder") {
      throw new Deno.errors.NotADirectory(`Not a directory (os error 20): '${path}'`);
    }
    return node;
  }

  #place(path: string): [FolderNode, string] {
    const cut = path.lastIndexOf("/");
    return [cut === 0 ? this.#root : this.#folder(path.slice(0, cut)), path.slice(cut + 1)];
  }
}

/** Whose files these are. */
const OWNER = 1000;

function notFound(path: string, what: string): Error {
  return new Deno.errors.NotFound(`No such file or directory (os error 2): ${what} '${path}'`);
}

const encoder = new TextEncoder();

function sizeOf(text: string): number {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\x7f]*$/.test(text) ? text.length : encoder.encode(text).length;
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

/** What a disk may hold after a crash. */
export interface Crash {
  readonly disk: SimDisk;
  /** So many operations were done, of which the names of the first `names` are on the disk. */
  readonly until: number;
  readonly names: number;
  /** Whether anything is lost: the machine went down, not the process alone. */
  readonly powerCut: boolean;
  /** In words. */
  readonly says: string;
}

/** Each crash that may come while what is in `log` happens to the disk `base`. */
export function* crashes(base: SimDisk, log: readonly Operation[]): Generator<Crash> {
  for (let until = 0; until <= log.length; until++) {
    const last = log[until - 1];
    for (let names = surelyDone(log, until); names <= until; names++) {
      for (const loss of ["none", "empty", "cut"] satisfies Loss[]) {
        yield {
          disk: base.after(log, names, until, loss),
          until,
          names,
          powerCut: names < until || loss !== "none",
          says:
            `after operation ${until} of ${log.length} (${last?.kind} ${last?.path}), ${names} on disk, lost: ${loss}`,
        };
      }
    }
  }
}

/**
 * How many operations of a log are on disk for sure when the first `until` were done: all before
 * the last sync.
 */
function surelyDone(log: readonly Operation[], until: number): number {
  for (let i = until - 1; i >= 0; i--) {
    const operation = log[i]!;
    if (operation.kind === "sync" || operation.kind === "syncAll") return i + 1;
    // Syncing a file brings the names before it to the disk as well, since those go through one
    // journal.
    if (operation.kind === "create" && operation.sync) return i + 1;
  }
  return 0;
}
