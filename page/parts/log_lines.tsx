// Renders the lines of an output. Only blocks near the visible part are rendered; the others are
// empty boxes of the same height, since a million rendered lines would make the page slow.
import { type Signal, useSignal } from "@preact/signals";
import type { RefObject, VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { BLOCK, type Block } from "../log_text.ts";

/** Pixels of a line that is not wrapped. */
const LINE = 18;
/** How far above and below the visible part blocks are rendered. */
const MARGIN = "1500px 0px";

export interface NearBlocks {
  /** The first lines of the rendered blocks. */
  readonly shown: Signal<ReadonlySet<number>>;
  /** Renders the block of a line. */
  readonly show: (line: number) => void;
  readonly observe: (element: Element) => () => void;
}

/** Keeps track of which blocks are near the visible part. */
export function useNearBlocks(panel: RefObject<HTMLElement>): NearBlocks {
  const shown = useSignal<ReadonlySet<number>>(new Set());
  const near = useMemo(() => {
    let observer: IntersectionObserver | undefined;
    const change = (entries: readonly IntersectionObserverEntry[]) => {
      const next = new Set(shown.value);
      for (const { target, isIntersecting } of entries) {
        const first = firstOf(target);
        isIntersecting ? next.add(first) : next.delete(first);
      }
      shown.value = next;
    };
    const observe = (element: Element) => {
      observer ??= new IntersectionObserver(change, { root: panel.current, rootMargin: MARGIN });
      observer.observe(element);
      return () => observer?.unobserve(element);
    };
    const show = (line: number) => {
      const first = Math.floor(line / BLOCK) * BLOCK;
      if (!shown.value.has(first)) shown.value = new Set([...shown.value, first]);
    };
    return { shown, show, observe, close: () => observer?.disconnect() };
  }, []);
  useEffect(() => near.close, [near]);
  return near;
}

export function LogLines({ blocks, near }: { blocks: readonly Block[]; near: NearBlocks }) {
  const last = blocks.at(-1)?.first;
  return (
    <>
      {blocks.map((block) => (
        <Part
          key={block.first}
          block={block}
          // So that new output is visible immediately.
          isNear={near.shown.value.has(block.first) || block.first === last}
          observe={near.observe}
        />
      ))}
    </>
  );
}

interface PartProps {
  readonly block: Block;
  readonly isNear: boolean;
  readonly observe: NearBlocks["observe"];
}

function Part({ block, isNear, observe }: PartProps) {
  const element = useRef<HTMLDivElement>(null);
  const height = useRef<number | undefined>(undefined);
  useEffect(() => observe(element.current!), []);
  useLayoutEffect(() => {
    // The real height is known only after rendering, since lines may wrap.
    if (isNear) height.current = element.current?.offsetHeight;
  });
  if (isNear) {
    return <div ref={element} class="block" data-first={block.first}>{linesOf(block)}</div>;
  }
  const room = `${height.current ?? block.lines.length * LINE}px`;
  return <div ref={element} class="block" data-first={block.first} style={{ height: room }} />;
}

/** A full block never changes, so its nodes can be reused. */
const nodes = new WeakMap<Block, VNode[]>();

function linesOf(block: Block): VNode[] {
  let lines = nodes.get(block);
  if (lines === undefined) {
    lines = block.lines.map(({ runs }, i) => (
      <div class="line" key={i} data-n={block.first + i + 1}>
        {runs.map(({ text, classes }, j) =>
          classes === "" ? text : <span key={j} class={classes}>{text}</span>
        )}
      </div>
    ));
    nodes.set(block, lines);
  }
  return lines;
}

/** The element of a line, if it is rendered. */
export function lineAt(panel: HTMLElement | null, line: number): Element | undefined {
  const first = Math.floor(line / BLOCK) * BLOCK;
  return panel?.querySelector(`:scope > [data-first="${first}"]`)?.children[line - first];
}

function firstOf(block: Element): number {
  return Number(block.getAttribute("data-first"));
}
