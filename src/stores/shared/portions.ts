/** So many at a time, in order. */
export function* portionsOf<T>(all: Iterable<T>, size: number): Iterable<T[]> {
  let portion: T[] = [];
  for (const one of all) {
    if (portion.push(one) < size) continue;
    yield portion;
    portion = [];
  }
  if (portion.length > 0) yield portion;
}
