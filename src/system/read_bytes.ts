// Reading files that are too big, or not meant, to be text in memory.

/** At most `length` bytes from `offset`, fewer only at the end; undefined if there is no such file. */
export function readBytes(path: string, offset: number, length: number): Uint8Array | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    file.seekSync(offset, Deno.SeekMode.Start);
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const read = file.readSync(bytes.subarray(done));
      if (read === null || read === 0) break;
      done += read;
    }
    return bytes.subarray(0, done);
  } finally {
    file.close();
  }
}
