// The last piece of what each attempt prints. It goes to the store in one step with the end of the
// attempt, where this process has claimed the job: that saves a round trip and a commit for each job.

/** The last piece of what an attempt printed: all before is in the store already. */
export interface LastPiece {
  readonly attempt: number;
  /** The number of its first byte. */
  readonly from: number;
  readonly bytes: Uint8Array;
  /**
   * Sends it by itself, where the end goes another way.
   * @throws QueueError where that may work later
   */
  send(): Promise<void>;
  /** To be called when it is in the store. */
  isThere(): void;
}

export class LastPieces {
  /** The attempts, by their jobs, whose ends will take a piece along. */
  readonly #expected = new Map<string, number>();
  readonly #kept = new Map<string, LastPiece>();

  /** From now on a piece of this attempt may be kept. */
  expect(id: string, attempt: number): void {
    this.#expected.set(id, attempt);
  }

  /** @returns false if no end will take it along */
  keep(id: string, piece: LastPiece): boolean {
    if (this.#expected.get(id) !== piece.attempt) return false;
    this.#kept.set(id, piece);
    return true;
  }

  of(id: string): LastPiece | undefined {
    return this.#kept.get(id);
  }

  /** The end of the job is on record, and with it the piece; or the job is no longer ours. */
  forget(id: string): void {
    this.#expected.delete(id);
    this.#kept.delete(id);
  }
}
