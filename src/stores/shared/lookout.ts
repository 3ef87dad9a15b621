// Of the idle workers of a host one looks for work, and the others rest: they ask the store nothing,
// and keep no connection to it. Who looks holds a lock, which the next one takes when that one has
// got a job, or has died; if it was stopped, another one looks in its place. So a host with many idle
// workers costs a server hardly more than with one.
import type { FileLock, FileSystem } from "../../system/file_system.ts";
import { Watch } from "../../system/watch.ts";

/** All of these are milliseconds. */
const REST_AFTER = 5_000;
/** Who looks says so each second; if it has not for so long, one of the others takes its place, */
const SILENT = 5_000;
/** and if none has for so long, all look for themselves. */
const ALL_SILENT = 30_000;
/** The longest name of a lock: who serves more queues than go into it does not rest. */
const LONGEST_NAME = 200;

export class Lookout {
  readonly #files: FileSystem;
  readonly #folder: string;
  readonly #restAfter: number;
  readonly #watch: Watch;
  readonly #listeners: ((isResting: boolean) => void)[] = [];
  #lock: FileLock | undefined;
  /** The file of the lock: one for those that serve the same queues. */
  #path = "";
  #idleSince: number | undefined;
  /** When all were called the last time before this one has looked. */
  #calledAt: number | undefined;
  #isResting = false;
  /** Whether it got up since it was its turn to look, and has not looked yet. */
  #isNext = false;

  /**
   * @param path the folder of this host
   * @param restAfter milliseconds for which it finds nothing before it rests
   */
  constructor(files: FileSystem, path: string, restAfter = REST_AFTER) {
    this.#files = files;
    this.#folder = lookoutFolder(path);
    this.#restAfter = restAfter;
    this.#watch = new Watch([this.#folder], () => {});
  }

  get isResting(): boolean {
    return this.#isResting;
  }

  /** Called when this process begins to rest, and when it gets up. */
  onRest(listener: (isResting: boolean) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Gets up if all are called, if it is its turn to look, or if nobody does. Who looks says so:
   * called each second, also while nothing is asked.
   */
  getUp(): void {
    if (this.#lock !== undefined) this.#touch(this.#path);
    if (!this.#isResting) return;
    this.#isNext = this.#takeLock();
    const isOver = this.#isNext || this.#lastCall() !== this.#calledAt ||
      this.#silence() > ALL_SILENT;
    if (isOver) this.#rest(false);
  }

  /** It has looked and found nothing. @param queues those it serves; all if undefined */
  nothing(queues: readonly string[] | undefined): void {
    this.#isNext = false;
    this.#path = `${this.#folder}/locks/${queues?.join() ?? "all queues"}`;
    if (this.#path.length > this.#folder.length + LONGEST_NAME) return;
    const calledAt = this.#lastCall();
    const isCalled = calledAt !== this.#calledAt;
    this.#calledAt = calledAt;
    this.#idleSince ??= performance.now();
    if (this.#lock !== undefined || this.#takeLock()) return this.#touch(this.#path);
    if (isCalled || this.#silence() > ALL_SILENT) return;
    if (performance.now() - this.#idleSince >= this.#restAfter) this.#rest(true);
  }

  /** It has a job: another one is to look for more. */
  found(): void {
    this.#idleSince = undefined;
    if (this.#lock === undefined) return;
    this.#release();
    // One behind the other has got a job: there may be many.
    if (this.#isNext) this.callAll();
    this.#isNext = false;
  }

  /** Lets all that rest look: for work, and what is asked of them. */
  callAll(): void {
    this.#touch(this.#folder);
  }

  /** Resolves when it may have to get up, after `timeout`, or when `signal` aborts. */
  async wait(timeout: number, signal?: AbortSignal): Promise<void> {
    await this.#watch.next(timeout, signal);
  }

  close(): void {
    this.#watch.close();
    this.#release();
  }

  #rest(isResting: boolean): void {
    this.#isResting = isResting;
    this.#idleSince = undefined;
    for (const listener of this.#listeners) listener(isResting);
  }

  /** Takes the lock; or where its holder was stopped, and so keeps it, another one beside it. */
  #takeLock(): boolean {
    try {
      this.#lock = this.#files.lock(this.#path);
      if (this.#lock === undefined && this.#silence() > SILENT) {
        this.#lock = this.#files.lock(`${this.#path}.deputy`);
      }
    } catch {
      return false; // then all look, as long as that lasts
    }
    return this.#lock !== undefined;
  }

  #release(): void {
    if (this.#lock === undefined) return;
    this.#lock.release();
    this.#lock = undefined;
    this.#touch(`${this.#folder}/locks`);
  }

  /** Milliseconds since one who looks has said so. */
  #silence(): number {
    const at = this.#files.info(this.#path)?.modifiedAt;
    return at === undefined ? Infinity : Math.abs(Date.now() - at);
  }

  #lastCall(): number | undefined {
    return this.#files.info(this.#folder)?.modifiedAt;
  }

  #touch(path: string): void {
    try {
      this.#files.touch(path);
    } catch {
      // Those who rest look at the lock by themselves, a moment later.
    }
  }
}

/** The folder whose changes call those that rest; `locks` in it has the locks. */
export function lookoutFolder(path: string): string {
  return `${path}/lookout`;
}
