// The positions of jobs in a graph: a job stands to the right of those that it waits for, with few
// crossings. Pure.

export interface Edge {
  readonly from: string;
  /** Waits for `from`. */
  readonly to: string;
}

export interface Spot {
  /** From the left, 0 first. */
  readonly column: number;
  /** From the top; in a column all differ by at least 1. */
  readonly row: number;
}

export interface Layout {
  readonly spots: ReadonlyMap<string, Spot>;
  readonly columns: number;
  readonly rows: number;
}

/** A position for each job. A cycle, which no store allows, is broken somewhere. */
export function layoutOf(ids: readonly string[], edges: readonly Edge[]): Layout {
  const before = new Map<string, string[]>(ids.map((id) => [id, []]));
  const behind = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of edges) {
    if (!before.has(from) || !before.has(to)) continue;
    before.get(to)!.push(from);
    behind.get(from)!.push(to);
  }
  const columns = columnsOf(ids, before, behind);
  const rows = new Map<string, number>();
  for (const column of columns) {
    for (const [row, id] of column.entries()) rows.set(id, row);
  }
  // Back and forth: each job moves towards its neighbours.
  for (let round = 0; round < 4; round++) {
    for (const column of columns.slice(1)) order(column, before, rows);
    for (const column of columns.slice(0, -1).reverse()) order(column, behind, rows);
  }
  const most = Math.max(0, ...columns.map(({ length }) => length));
  const spots = new Map<string, Spot>();
  for (const [column, members] of columns.entries()) {
    const above = (most - members.length) / 2;
    for (const [row, id] of members.entries()) spots.set(id, { column, row: row + above });
  }
  return { spots, columns: columns.length, rows: most };
}

type Links = ReadonlyMap<string, readonly string[]>;

/** The column of each job: right of all that it waits for. */
function columnsOf(ids: readonly string[], before: Links, behind: Links): string[][] {
  const depth = new Map<string, number>();
  const open = new Map(ids.map((id) => [id, before.get(id)!.length]));
  let ready = ids.filter((id) => open.get(id) === 0);
  while (depth.size < ids.length) {
    // A cycle: start anywhere.
    if (ready.length === 0) ready = [ids.find((id) => !depth.has(id))!];
    const next: string[] = [];
    for (const id of ready) {
      if (depth.has(id)) continue;
      depth.set(id, Math.max(-1, ...before.get(id)!.map((one) => depth.get(one) ?? -1)) + 1);
      for (const one of behind.get(id)!) {
        open.set(one, open.get(one)! - 1);
        if (open.get(one) === 0) next.push(one);
      }
    }
    ready = next;
  }
  // A job that waits for nothing stands next to the first that waits for it.
  for (const id of ids) {
    if (before.get(id)!.length > 0 || behind.get(id)!.length === 0) continue;
    depth.set(id, Math.max(0, Math.min(...behind.get(id)!.map((one) => depth.get(one)!)) - 1));
  }
  const columns: string[][] = Array.from({ length: Math.max(-1, ...depth.values()) + 1 }, () => []);
  for (const id of ids) columns[depth.get(id)!]!.push(id);
  return columns;
}

function order(column: string[], links: Links, rows: Map<string, number>): void {
  const wish = new Map(column.map((id) => {
    const places = links.get(id)!.map((one) => rows.get(one)!);
    const middle = places.reduce((sum, place) => sum + place, 0) / places.length;
    return [id, places.length === 0 ? rows.get(id)! : middle];
  }));
  column.sort((a, b) => wish.get(a)! - wish.get(b)!);
  for (const [row, id] of column.entries()) rows.set(id, row);
}
