// One folder of tickets in an order, spread over buckets (folders) of some thousand, so that taking
// the first, counting and listing the newest read a few buckets however many there are. A ticket
// moves by rename; of several processes that try, the rename of one succeeds.
import { QueueError } from "../../queue/errors.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { arrivalOf, type Bucket, bucketName, isTicket, parseBucket } from "./layout.ts";

/**
 * A bucket that is filled as tickets come is sealed at this size; batches are laid in buckets of
 * it.
 */
export let BUCKET_SIZE = 1000;

/** For tests: small buckets show in a few jobs what else takes thousands. */
export function setBucketSize(size: number): void {
  BUCKET_SIZE = size;
}

export class BucketedIndex {
  protected readonly files: FileSystem;
  readonly folder: string;
  /**
   * The oldest arrival in sealed buckets, by their names, as far as somebody has read them: who goes
   * on with a list need not read those that are newer.
   */
  readonly oldest = new Map<string, string>();
  readonly #mayBeMissing: boolean;
  /** The buckets that tickets were taken out of by `leave`, and that were not tidied up since. */
  readonly #left = new Set<string>();

  /** `mayBeMissing`: without the folder there are no tickets; else that is an error. */
  constructor(files: FileSystem, folder: string, mayBeMissing = false) {
    this.files = files;
    this.folder = folder;
    this.#mayBeMissing = mayBeMissing;
  }

  /** The buckets, in the order of their lower bounds. */
  buckets(): Bucket[] {
    const buckets: Bucket[] = [];
    // Nearly the order that is wanted, and sorting texts costs a tenth of sorting objects.
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
   * The names of tickets in a bucket, sorted; none if it is gone. It may have got another name since
   * it was seen, being opened or sealed, several times even.
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

  /** A bucket under the name that it has now; those of a slice of time have one name only. */
  #renamed({ lower, unique }: Bucket): Bucket | undefined {
    if (unique === "") return undefined;
    const isIt = (other: Bucket) => other.lower === lower && ownPart(other) === ownPart({ unique });
    return this.buckets().find(isIt);
  }

  path(bucket: string, ticket?: string): string {
    return ticket === undefined ? `${this.folder}/${bucket}` : `${this.folder}/${bucket}/${ticket}`;
  }

  /** Whether a ticket lies in a bucket. */
  has(bucket: string, ticket: string): boolean {
    return this.files.info(this.path(bucket, ticket)) !== undefined;
  }

  /**
   * Moves a ticket from the path `from` into a bucket, made if need be.
   * @returns whether it was made
   * @throws Deno.errors.NotFound if `from` is gone
   */
  put(from: string, bucket: string, name: string): boolean {
    // Nearly always it is there; and whoever found it empty may have removed it since, again and
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

  /** Makes a bucket; whether it was not there before. */
  protected make(bucket: string): boolean {
    return makeUnlessThere(this.files, this.path(bucket));
  }

  /**
   * Moves a ticket from the path `from` into a bucket.
   * @returns false if the bucket is not there
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

  /** Where the ticket of this name lies; undefined if it is not on this index. */
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
   * The path of a ticket that is about to leave this index: its bucket is opened. Undefined if it
   * is not here. `tidy` is to be called afterwards.
   */
  leave(name: string): string | undefined {
    const found = this.find(name);
    const bucket = found && this.unseal(found.bucket);
    if (bucket !== undefined) this.#left.add(bucket.name);
    return bucket && this.path(bucket.name, name);
  }

  /** Removes the buckets that were left empty. */
  tidy(): void {
    for (const name of this.#left) this.tidyBucket(parseBucket(name)!);
    this.#left.clear();
  }

  /** Looks after all that processes left which were ended before they had tidied up. */
  tidyAll(): void {
    for (const bucket of this.buckets()) {
      if (bucket.count === undefined) this.tidyBucket(bucket);
    }
  }

  protected tidyBucket(bucket: Bucket): void {
    this.removeIfEmpty(bucket);
  }

  /**
   * Makes a bucket that is sealed, or that somebody is sealing, one that tickets may leave;
   * undefined if it is gone. Any other stays as it is.
   */
  unseal(bucket: Bucket): Bucket | undefined {
    const { count, newest } = bucket;
    if (count === undefined && !isClosing(bucket)) return bucket;
    const opened = {
      ...bucket,
      // Only one that has none is filled.
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

/** The newest arrival among tickets, by their names; undefined if there are none. */
export function newestOf(names: readonly string[]): string | undefined {
  let newest: string | undefined;
  for (const name of names) {
    const arrival = arrivalOf(name);
    if (newest === undefined || arrival > newest) newest = arrival;
  }
  return newest;
}

/** What tells a bucket from others, without who is sealing it. */
export function ownPart({ unique }: Pick<Bucket, "unique">): string {
  return unique.replace(/!.*/, "");
}

/** Whether somebody is sealing a bucket: nothing is put into it any more. */
export function isClosing({ unique }: Bucket): boolean {
  return unique.includes("!");
}

/** The result of `action`; undefined if what it is about is not there. */
export function ignoreNotFound<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The names in a folder; none if it is gone, or a stranger's file lies there (`.DS_Store`). */
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

/** Removes a folder if it is empty: somebody may put something in, or be faster; either is fine. */
export function removeIfEmpty(files: FileSystem, folder: string): void {
  try {
    files.removeFolder(folder);
  } catch {
    // It is gone, or something lies in it.
  }
}

/** Makes a folder; whether it was not there before. */
export function makeUnlessThere(files: FileSystem, path: string): boolean {
  try {
    files.makeFolder(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}
