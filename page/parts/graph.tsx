// What a job waits for and what waits for it, drawn from left to right.
import { useEffect, useRef } from "preact/hooks";
import { jobAt } from "../address.ts";
import type { Graph } from "../api.ts";
import { layoutOf } from "../graph_layout.ts";
import { countText, onOneLine, shortId } from "./words.tsx";

const WIDTH = 190;
const HEIGHT = 40;
const GAP_X = 44;
const GAP_Y = 12;
/** The characters that fit into a box. */
const LETTERS = 25;

export function JobGraph({ graph, id }: { graph: Graph; id: string }) {
  const { spots, columns, rows } = layoutOf(graph.nodes.map((node) => node.id), graph.edges);
  const x = (one: string) => (spots.get(one)?.column ?? 0) * (WIDTH + GAP_X) + 1;
  const y = (one: string) => (spots.get(one)?.row ?? 0) * (HEIGHT + GAP_Y) + 1;
  const width = columns * (WIDTH + GAP_X) - GAP_X + 2;
  const height = rows * (HEIGHT + GAP_Y) - GAP_Y + 2;
  const waitsFor = graph.edges.filter(({ to }) => to === id).length;
  const waiting = graph.edges.filter(({ from }) => from === id).length;
  const scroller = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { clientWidth = 0, clientHeight = 0 } = scroller.current ?? {};
    scroller.current?.scrollTo(
      x(id) + WIDTH / 2 - clientWidth / 2,
      y(id) + HEIGHT / 2 - clientHeight / 2,
    );
  }, [id, width, height]);
  return (
    <section class="graph" aria-labelledby="graph-title">
      <h2 id="graph-title">
        Dependencies
        <span class="quiet">
          {[
            waitsFor > 0 && `waits for ${countText(waitsFor, "job")}`,
            waiting > 0 &&
            `${countText(waiting, "job")} ${waiting === 1 ? "waits" : "wait"} for it`,
          ].filter(Boolean).join("; ")}
          {graph.cut && `; only the nearest ${graph.nodes.length} jobs are shown`}
          {graph.edges.some(({ any }) => any) &&
            "; dashed: waits until the job has ended, successfully or not"}
        </span>
      </h2>
      <div ref={scroller} class="scroller" tabIndex={0} role="region" aria-label="Graph of jobs">
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
          {graph.edges.map(({ from, to, any }) => {
            const [x1, y1] = [x(from) + WIDTH, y(from) + HEIGHT / 2];
            const [x2, y2] = [x(to), y(to) + HEIGHT / 2];
            const bend = Math.max(GAP_X / 2, (x2 - x1) / 2);
            return (
              <path
                key={`${from} ${to}`}
                class={any ? "edge any" : "edge"}
                d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
              />
            );
          })}
          {graph.nodes.map(({ id: one, command, state }) => (
            <a key={one} href={jobAt(one)} aria-current={one === id ? "true" : undefined}>
              <title>{`${one}, ${state ?? "removed"}: ${command ?? ""}`}</title>
              <rect class="box" x={x(one)} y={y(one)} width={WIDTH} height={HEIGHT} rx={4} />
              <rect
                class={`mark ${state ?? "removed"}`}
                x={x(one)}
                y={y(one)}
                width={4}
                height={HEIGHT}
                rx={2}
              />
              <text class="mono" x={x(one) + 12} y={y(one) + 16}>
                {cut(command ?? "(removed)", LETTERS)}
              </text>
              <text class="small" x={x(one) + 12} y={y(one) + 32}>
                {cut(shortId(one), 17)} · {state ?? "removed"}
              </text>
            </a>
          ))}
        </svg>
      </div>
    </section>
  );
}

function cut(text: string, letters: number): string {
  const line = onOneLine(text);
  return line.length <= letters ? line : `${line.slice(0, letters - 1)}…`;
}
