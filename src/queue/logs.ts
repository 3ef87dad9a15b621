// The port for reading the logs of attempts.

export interface LogReader {
  /** The size in bytes; undefined if there is no such log. */
  size(id: string, attempt: number): Promise<number | undefined>;

  /**
   * At most `length` bytes from `offset`; an empty array at the end of the log; undefined if there
   * is no such log.
   */
  read(
    id: string,
    attempt: number,
    offset: number,
    length: number,
  ): Promise<Uint8Array | undefined>;
}
