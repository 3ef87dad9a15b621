// Shortens ids to beginnings that are unique.
const SHORTEST = 8;

/** For each of `ids`, the shortest beginning that is unique among them, at least 8 characters. */
export function shortIds(ids: readonly string[]): Map<string, string> {
  const sorted = [...new Set(ids)].sort();
  const short = new Map<string, string>();
  sorted.forEach((id, i) => {
    const shared = Math.max(sharedLength(id, sorted[i - 1]), sharedLength(id, sorted[i + 1]));
    short.set(id, id.slice(0, Math.max(SHORTEST, shared + 1)));
  });
  return short;
}

function sharedLength(a: string, b: string | undefined): number {
  let n = 0;
  while (b !== undefined && n < a.length && a[n] === b[n]) n += 1;
  return n;
}
