// The port for what attempts printed, byte by byte.

export interface LogReader {
  /** The bytes that are there; undefined if there is no such log. */
  size(id: string, attempt: number): Promise<number | undefined>;

  /**
   * At most `length` bytes from `offset`, none at the end of what is there; undefined if there is
   * no such log.
   */
  read(
    id: string,
    attempt: number,
    offset: number,
    length: number,
  ): Promise<Uint8Array | undefined>;
}
