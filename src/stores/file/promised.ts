/** The files are synchronous, the ports are not: what `action` throws becomes a rejection. */
export function promised<T>(action: () => T): Promise<T> {
  return new Promise((resolve) => resolve(action()));
}
