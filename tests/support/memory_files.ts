// A file system in memory, for tests of what is written and read.
import type { FileInfo, FileLock, FileSystem } from "../../src/system/file_system.ts";

interface Entry {
  readonly kind: "file" | "folder";
  text: string;
  owner: number;
  mode: number;
  inode: number;
  modifiedAt: number;
}

/** Behaves as a disk does; `failNext` makes the next call of an operation fail. */
export class MemoryFiles implements FileSystem {
  readonly entries = new Map<string, Entry>();
  readonly locked = new Set<string>();
  failNext: { operation: keyof FileSystem; error: Error } | undefined;
  #inodes = 0;

  constructor(...folders: string[]) {
    for (const folder of ["/", ...folders]) this.#put(folder, "folder", "", 0o700);
  }

  readText(path: string): string {
    this.#step("readText");
    return this.#need(path).text;
  }

  create(path: string, text: string): void {
    this.#step("create");
    if (this.#find(path)) {
      throw new Deno.errors.AlreadyExists(`File exists (os error 17): open '${path}'`);
    }
    this.#need(parentOf(path));
    this.#put(path, "file", text, 0o600);
  }

  append(path: string, text: string): void {
    this.#step("append");
    this.#need(path).text += text;
  }

  truncate(path: string, length: number): void {
    this.#step("truncate");
    const entry = this.#need(path);
    entry.text = entry.text.slice(0, length);
  }

  copy(from: string, to: string): void {
    this.create(to, this.readText(from));
  }

  setMode(path: string, mode: number): void {
    this.#step("setMode");
    this.#need(path).mode = mode;
  }

  link(existing: string, path: string): void {
    if (this.#find(path)) throw new Deno.errors.AlreadyExists(path);
    this.entries.set(path, this.#need(existing));
  }

  rename(from: string, to: string): void {
    this.#step("rename");
    const entry = this.#need(from);
    this.entries.delete(from);
    this.entries.set(to, entry);
  }

  remove(path: string): void {
    this.#step("remove");
    this.#need(path);
    this.entries.delete(path);
  }

  makeFolder(path: string): void {
    this.#step("makeFolder");
    if (this.#find(path)) throw new Deno.errors.AlreadyExists(path);
    this.#need(parentOf(path));
    this.#put(path, "folder", "", 0o700);
  }

  removeFolder(path: string): void {
    this.remove(path);
  }

  names(path: string): string[] {
    this.#step("names");
    this.#need(path);
    const front = path === "/" ? "/" : `${path}/`;
    return [...this.entries.keys()].filter((name) =>
      name.startsWith(front) && name !== front && !name.slice(front.length).includes("/")
    ).map((name) => name.slice(front.length));
  }

  info(path: string): FileInfo | undefined {
    const entry = this.#find(path);
    if (entry === undefined) return undefined;
    const { kind, text, owner, mode, inode, modifiedAt } = entry;
    let links = 0;
    for (const other of this.entries.values()) if (other === entry) links++;
    const size = new TextEncoder().encode(text).length;
    return { kind, size, owner, mode, inode, links, modifiedAt };
  }

  touch(path: string): void {
    this.#need(path).modifiedAt += 1;
  }

  sync(path: string): void {
    this.#step("sync");
    this.#need(path);
  }

  syncAll(path: string): void {
    this.#need(path);
  }

  lock(path: string): FileLock | undefined {
    if (this.locked.has(path)) return undefined;
    if (this.#find(path) === undefined) this.create(path, "");
    this.locked.add(path);
    return { release: () => void this.locked.delete(path) };
  }

  /** Writes a file, making the folders above it. */
  write(path: string, text: string): void {
    const parent = parentOf(path);
    if (this.#find(parent) === undefined) this.#makeAll(parent);
    this.#put(path, "file", text, 0o600);
  }

  #makeAll(path: string): void {
    if (this.#find(path)) return;
    this.#makeAll(parentOf(path));
    this.#put(path, "folder", "", 0o700);
  }

  #put(path: string, kind: Entry["kind"], text: string, mode: number): void {
    const inode = ++this.#inodes;
    this.entries.set(path, { kind, text, owner: 1000, mode, inode, modifiedAt: inode });
  }

  #find(path: string): Entry | undefined {
    if (!path.endsWith("/.")) return this.entries.get(path);
    const entry = this.entries.get(path.slice(0, -2));
    return entry?.kind === "folder" ? entry : undefined;
  }

  #need(path: string): Entry {
    const entry = this.#find(path);
    if (entry === undefined) {
      throw new Deno.errors.NotFound(`No such file or directory (os error 2): '${path}'`);
    }
    return entry;
  }

  #step(operation: keyof FileSystem): void {
    if (this.failNext?.operation !== operation) return;
    const { error } = this.failNext;
    this.failNext = undefined;
    throw error;
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
