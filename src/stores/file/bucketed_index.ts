// One folder of sorted tickets, divided into buckets (folders) of about a thousand, so that taking
// the first, counting, and listing the newest read only a few buckets. A ticket moves by rename; if
// several processes try, only one of them succeeds.
import { QueueError } from "../../queue/errors.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { arrivalOf, type Bucket, bucketName, isTicket, parseBucket } from "./layout.ts";

/**
 * A bucket that is filled ticket by ticket is sealed at this size, and batches are divided into
 * buckets of this size.
 */
export let BUCKET_SIZE = 1000;

/** For tests: with small buckets, a few jobs show what otherwise takes thousands. */
export function setBucketSize(size: number): void {
  BUCKET_SIZE = size;
}

export class BucketedIndex {
  protected readonly files: FileSystem;
  readonly folder: string;
  /**
   * The oldest arrival in sealed buckets, by their names, as far as they have been read:
   * whoever continues a list need not read newer ones.
   */
  readonly oldest = new Map<string, string>();
  readonly #mayBeMissing: boolean;
  /** The buckets that `leave` has taken tickets from since the last `tidy`. */
  readonly #left = new Set<string>();

  /** `mayBeMissing`: a missing folder means no tickets; otherwise it is an error. */
  constructor(files: FileSystem, folder: string, mayBeMissing = false) {
    this.files = files;
    this.folder = folder;
    this.#mayBeMissing = mayBeMissing;
  }

  /** The buckets, sorted by their lower bounds. */
  buckets(): Bucket[] {
    const buckets: Bucket[] = [];
    // Sorting by name gives nearly the right order, and sorting texts costs a tenth of sorting
    // objects.
    const names = this.#mayBeMissing
      ? namesIn(this.files, this.folder)
      : this.files.names(this.folder);
    for (const name of names.sort()) {
      const bucket = parseBucket(name);
      if (bucket !== undefined) buckets.push(bucket);
    }
    return buckets.sort((a, b) =>
      a.lower < b.lower ? -1 : a.lower > b.lower ? 1 : a.name < b.name ? -1 : 1
    );
  }

  /**
   * The names of the tickets in a bucket, sorted; none if it is gone. It may have been renamed
   * since it was seen, even several times, when it was opened or sealed.
   */
  tickets(bucket: Bucket): string[] {
    let now: Bucket | undefined = bucket;
    for (let tries = 0; tries < 10 && now !== undefined; tries++) {
      const names = namesIn(this.files, this.path(now.name));
      if (names.length > 0 || this.files.info(this.path(now.name)) !== undefined) {
        return names.filter(isTicket).sort();
      }
      now = this.#renamed(bucket);
    }
    return [];
  }

  /** The bucket under its present name. Buckets of a time slice are never renamed. */
  #renamed({ lower, unique }: Bucket): Bucket | undefined {
    if (unique === "") return undefined;
    const isIt = (other: Bucket) => other.lower === lower && ownPart(other) === ownPart({ unique });
    return this.buckets().find(isIt);
  }

  path(bucket: string, ticket?: string): string {
    return ticket === undefined ? `${this.folder}/${bucket}` : `${this.folder}/${bucket}/${ticket}`;
  }

  /** Whether a ticket is in a bucket. */
  has(bucket: string, ticket: string): boolean {
    return this.files.info(this.path(bucket, ticket)) !== undefined;
  }

  /**
   * Moves a ticket from the path `from` into a bucket, which is made if it does not exist.
   *
   * @returns whether the bucket was made
   *
   * @throws Deno.errors.NotFound if `from` is gone
   */
  put(from: string, bucket: string, name: string): boolean {
    // The bucket nearly always exists. Another process that finds it empty may remove it, again and
    // again.
    for (let [tries, made] = [0, false]; tries < 100; tries++) {
      if (this.move(from, bucket, name)) return made;
      made = this.make(bucket) || made;
    }
    throw new QueueError(
      "damaged",
      `Cannot use ${this.path(bucket)}: it is not a folder of tickets`,
    );
  }

  /**
   * Makes a bucket.
   * @returns false if it exists already
   */
  protected make(bucket: string): boolean {
    return makeUnlessThere(this.files, this.path(bucket));
  }

  /**
   * Moves a ticket from the path `from` into a bucket.
   *
   * @returns false if the bucket does not exist
   *
   * @throws Deno.errors.NotFound if `from` is gone
   */
  protected move(from: string, bucket: string, name: string): boolean {
    try {
      this.files.rename(from, this.path(bucket, name));
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound && this.files.info(from) !== undefined) {
        return false;
      }
      throw error;
    }
  }

  /** Where a ticket is; undefined if it is not in this index. */
  find(name: string): { bucket: Bucket; path: string } | undefined {
    const buckets = this.buckets();
    for (let i = buckets.length - 1; i >= 0; i--) {
      const bucket = buckets[i]!;
      if (bucket.lower > name) continue;
      if (this.has(bucket.name, name)) return { bucket, path: this.path(bucket.name, name) };
    }
    return undefined;
  }

  /**
   * Opens the bucket of a ticket that is about to leave this index, and returns the ticket's path;
   * undefined if it is not here. Call `tidy` afterwards.
   */
  leave(name: string): string | undefined {
    const found = this.find(name);
    const bucket = found && this.unseal(found.bucket);
    if (bucket !== undefined) this.#left.add(bucket.name);
    return bucket && this.path(bucket.name, name);
  }

  /** Removes the buckets that `leave` has emptied. */
  tidy(): void {
    for (const name of this.#left) this.tidyBucket(parseBucket(name)!);
    this.#left.clear();
  }

  /** Tidies all open buckets, since processes may have been killed before they did it. */
  tidyAll(): void {
    for (const bucket of this.buckets()) {
      if (bucket.count === undefined) this.tidyBucket(bucket);
    }
  }

  protected tidyBucket(bucket: Bucket): void {
    this.removeIfEmpty(bucket);
  }

  /**
   * Opens a bucket that is sealed, or that another process is sealing, so that tickets may leave
   * it. Undefined if it is gone. An open bucket stays as it is.
   */
  unseal(bucket: Bucket): Bucket | undefined {
    const { count, newest } = bucket;
    if (count === undefined && !isClosing(bucket)) return bucket;
    const opened = {
      ...bucket,
      // Tickets are added only to buckets without this.
      newest: newest ?? newestOf(this.tickets(bucket)),
      count: undefined,
      unique: ownPart(bucket),
    };
    const name = bucketName(opened);
    const done = ignoreNotFound(
      () => (this.files.rename(this.path(bucket.name), this.path(name)), true),
    );
    return done ? { ...opened, name } : undefined;
  }

  /** Removes a bucket if it is empty. */
  removeIfEmpty(bucket: Bucket): void {
    removeIfEmpty(this.files, this.path(bucket.name));
  }
}

/** The latest arrival among the tickets with these names; undefined if there are none. */
export function newestOf(names: readonly string[]): string | undefined {
  let newest: string | undefined;
  for (const name of names) {
    const arrival = arrivalOf(name);
    if (newest === undefined || arrival > newest) newest = arrival;
  }
  return newest;
}

/** The unique part of a bucket's name, without the process that is sealing it. */
export function ownPart({ unique }: Pick<Bucket, "unique">): string {
  return unique.replace(/!.*/, "");
}

/** Whether a process is sealing this bucket, so that no tickets are added any more. */
export function isClosing({ unique }: Bucket): boolean {
  return unique.includes("!");
}

/** The result of `action`; undefined if it throws `NotFound`. */
export function ignoreNotFound<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * The names in a folder; none if it is missing, or if it is a file of another program
 * (`.DS_Store`).
 */
export function namesIn(files: FileSystem, path: string): string[] {
  try {
    return files.names(path);
  } catch (error) {
    const isNoFolder = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (isNoFolder) return [];
    throw error;
  }
}

/**
 * Removes a folder if it is empty. It is fine if another process adds something or removes it
 * first.
 */
export function removeIfEmpty(files: FileSystem, folder: string): void {
  try {
    files.removeFolder(folder);
  } catch {
    // It is gone, or not empty.
  }
}

/**
 * Makes a folder.
 * @returns false if it exists already
 */
export function makeUnlessThere(files: FileSystem, path: string): boolean {
  try {
    files.makeFolder(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}
