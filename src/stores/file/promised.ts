/** Calls a synchronous action for an asynchronous port. If it throws, the promise rejects. */
export function promised<T>(action: () => T): Promise<T> {
  return new Promise((resolve) => resolve(action()));
}
