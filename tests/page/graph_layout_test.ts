import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { layoutOf } from "../../page/graph_layout.ts";

Deno.test("layoutOf() puts what waits to the right of what it waits for, and none on another", () => {
  const graphs = fc.integer({ min: 1, max: 40 }).chain((count) =>
    fc.record({
      count: fc.constant(count),
      // From a smaller to a greater number, so there is no circle.
      pairs: fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 80 }),
    })
  );
  fc.assert(fc.property(graphs, ({ count, pairs }) => {
    const ids = Array.from({ length: count }, (_, i) => `job-${i}`);
    const edges = pairs.filter(([a, b]) => a !== b)
      .map(([a, b]) => ({ from: ids[Math.min(a, b)]!, to: ids[Math.max(a, b)]! }));
    const { spots, columns, rows } = layoutOf(ids, edges);
    for (const { from, to } of edges) {
      assert(spots.get(from)!.column < spots.get(to)!.column, `${from} ${to}`);
    }
    const taken = new Set([...spots.values()].map(({ column, row }) => `${column} ${row}`));
    assertEquals([taken.size, spots.size], [count, count]);
    for (const { column, row } of spots.values()) {
      assert(column >= 0 && column < columns && row >= 0 && row <= rows - 1);
    }
  }));
});

Deno.test("layoutOf() lays lines side by side without crossings", () => {
  const ids = ["a2", "b1", "c", "a1", "b2"];
  const edges = [["a1", "b1"], ["a2", "b2"], ["b1", "c"], ["b2", "c"]];
  const { spots } = layoutOf(ids, edges.map(([from, to]) => ({ from: from!, to: to! })));
  const row = (id: string) => spots.get(id)!.row;
  assertEquals([row("a1"), row("a2")], [row("b1"), row("b2")]);
  assertEquals(row("c"), (row("b1") + row("b2")) / 2);
});

Deno.test("layoutOf() ends on a circle, and on edges to jobs that are not shown", () => {
  const { spots } = layoutOf(["a", "b"], [
    { from: "a", to: "b" },
    { from: "b", to: "a" },
    { from: "x", to: "a" },
  ]);
  assertEquals(spots.size, 2);
  assertEquals(layoutOf([], []), { spots: new Map(), columns: 0, rows: 0 });
});
