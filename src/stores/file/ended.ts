// Tickets of jobs that have ended, by the time they ended, in buckets that are sealed with their count when they are full.
import type { FileSystem } from "../../system/file_system.ts";
import { bucketName, parseBucket, type Ticket, timedName } from "./layout.ts";
import { BUCKET_SIZE, Shelf } from "./shelf.ts";

export class EndedShelf extends Shelf {
  /** The bucket that this process fills, and how many tickets were in it when last known. */
  #filling: { name: string; size: number } | undefined;
  readonly #unique: string;

  /** `unique`: a text of letters and digits that no other process has. */
  constructor(files: FileSystem, folder: string, unique: string) {
    super(files, folder);
    this.#unique = unique;
  }

  /** Moves a ticket here. @throws Deno.errors.NotFound if `from` is gone */
  add(from: string, ticket: Ticket): void {
    const name = timedName(ticket);
    const filling = this.#bucketFor(name);
    this.put(from, filling.name, name);
    if (++filling.size >= BUCKET_SIZE) {
      this.#filling = undefined;
      this.seal(parseBucket(filling.name)!);
    }
  }

  #bucketFor(name: string): { name: string; size: number } {
    const lower = name.slice(0, 13);
    if (this.#filling === undefined) {
      // Go on with the newest that is neither full nor sealed, so that many short runs don't leave a bucket each.
      const last = this.buckets().findLast((bucket) =>
        bucket.newest === undefined && !bucket.unique.endsWith("!")
      );
      const size = last === undefined ? 0 : this.tickets(last).length;
      if (last !== undefined && size < BUCKET_SIZE) this.#filling = { name: last.name, size };
    }
    if (this.#filling === undefined || this.#filling.name.slice(0, 13) > lower) {
      const unique = this.#unique + Date.now().toString(36);
      this.#filling = { name: bucketName({ lower, newest: undefined, count: undefined, unique }), size: 0 };
    }
    return this.#filling;
  }
}
