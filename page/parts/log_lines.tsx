// The lines of an output: those near what is shown are there, the others are room that is left for
// them. An output may have a million lines, of which a page that had all would be slow.
import { type Signal, useSignal } from "@preact/signals";
import type { RefObject, VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { BLOCK, type Block } from "../log_text.ts";

/** Pixels of a line that is not wrapped. */
const LINE = 18;
/** Pixels above and below what is shown that are there, too. */
const MARGIN = "1500px 0px";

export interface NearBlocks {
  /** The first lines of the blocks that are there. */
  readonly shown: Signal<ReadonlySet<number>>;
  /** Makes a line be there. */
  readonly show: (line: number) => void;
  readonly observe: (element: Element) => () => void;
}

/** Tells which blocks are near, as the panel is scrolled. */
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
          // What comes is shown at once.
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
    // How much room they take is known once they are there: lines may be wrapped.
    if (isNear) height.current = element.current?.offsetHeight;
  });
  if (isNear) {
    return <div ref={element} class="block" data-first={block.first}>{linesOf(block)}</div>;
  }
  const room = `${height.current ?? block.lines.length * LINE}px`;
  return <div ref={element} class="block" data-first={block.first} style={{ height: room }} />;
}

/** A block stays the same object once it is full, and so what is drawn of it need not be compared. */
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

/** A line that is there. */
export function lineAt(panel: HTMLElement | null, line: number): Element | undefined {
  const first = Math.floor(line / BLOCK) * BLOCK;
  return panel?.querySelector(`:scope > [data-first="${first}"]`)?.children[line - first];
}

function firstOf(block: Element): number {
  return Number(block.getAttribute("data-first"));
}
