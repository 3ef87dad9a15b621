// The output of one attempt: line numbers, colours, search, following, download.
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { jobPath } from "../api.ts";
import { sizeText } from "../log_text.ts";
import { recall, remember } from "../memory.ts";
import { useKeys } from "./keys.tsx";
import { highlight } from "./highlight.ts";
import { lineAt, LogLines, useNearBlocks } from "./log_lines.tsx";
import { LogSource } from "./log_source.ts";
import { number, Trouble } from "./words.tsx";

/** Within so many pixels of the end the panel counts as scrolled to the end. */
const NEAR = 24;
/** The largest output, in bytes, that can be loaded completely. */
const MOST_SHOWN = 32 * 1024 * 1024;

export function Log({ id, attempt, isRunning }: {
  id: string;
  attempt: number;
  isRunning: boolean;
}) {
  const source = useMemo(() => new LogSource(id, attempt, isRunning), [id, attempt]);
  useEffect(() => () => source.close(), [source]);
  const panel = useRef<HTMLDivElement>(null);
  const isFollowing = useSignal(true);
  const wraps = useSignal(recall("wrap") !== "no");
  const sought = useSignal("");
  /** The index of the current match. */
  const at = useSignal(0);

  const view = source.view.value;
  const text = view?.text;
  const blocks = useMemo(() => text?.blocks() ?? [], [text, view?.version]);
  const found = useMemo(() => text?.find(sought.value) ?? [], [
    text,
    view?.version,
    sought.value,
  ]);
  const current = found[Math.min(at.value, found.length - 1)];

  const near = useNearBlocks(panel);
  useLayoutEffect(() => {
    if (isFollowing.value && panel.current) panel.current.scrollTop = panel.current.scrollHeight;
  }, [blocks, near.shown.value, isFollowing.value, wraps.value]);
  useEffect(() => {
    if (panel.current) highlight(panel.current, sought.value, found, current);
  }, [blocks, near.shown.value, sought.value, current]);
  useEffect(() => {
    if (current === undefined || sought.value === "") return;
    isFollowing.value = false;
    near.show(current);
    requestAnimationFrame(() =>
      lineAt(panel.current, current)?.scrollIntoView({ block: "center" })
    );
  }, [sought.value, at.value]);

  const step = (by: number) => {
    if (found.length > 0) at.value = (at.value + by + found.length) % found.length;
  };
  useKeys({
    f: () => isFollowing.value = !isFollowing.value,
    "/": () => document.querySelector<HTMLInputElement>("#log-search")?.focus(),
    n: () => step(1),
    N: () => step(-1),
  });
  const earlier = async (all: boolean) => {
    const element = panel.current!;
    const below = element.scrollHeight - element.scrollTop;
    isFollowing.value = false;
    await source.loadEarlier(all);
    requestAnimationFrame(() => element.scrollTop = element.scrollHeight - below);
  };

  return (
    <section class="log" aria-label={`Output of attempt ${attempt}`}>
      <div class="log-bar">
        <h2>
          Output
          {view !== undefined && view.size > 0 && <span class="quiet">{sizeText(view.size)}</span>}
          {view?.isRunning && <span class="live">running</span>}
        </h2>
        <label class="log-search">
          <span class="unseen">Search the output</span>
          <input
            id="log-search"
            type="search"
            placeholder="Search"
            autocomplete="off"
            spellcheck={false}
            onInput={({ currentTarget: { value } }) => {
              sought.value = value;
              at.value = 0;
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
            }}
          />
        </label>
        {sought.value !== "" && (
          <span class="found" role="status">
            {found.length === 0 ? "not found" : (
              <>
                {number(Math.min(at.value, found.length - 1) + 1)} of {number(found.length)}
                {" lines "}
                <button type="button" class="plain" aria-label="Previous" onClick={() => step(-1)}>
                  ↑
                </button>
                <button type="button" class="plain" aria-label="Next" onClick={() => step(1)}>
                  ↓
                </button>
              </>
            )}
          </span>
        )}
        <span class="room" />
        <button
          type="button"
          aria-pressed={isFollowing.value}
          onClick={() => isFollowing.value = !isFollowing.value}
        >
          Follow
        </button>
        <button
          type="button"
          aria-pressed={wraps.value}
          onClick={() => {
            wraps.value = !wraps.value;
            remember("wrap", wraps.value ? "yes" : "no");
          }}
        >
          Wrap
        </button>
        <a
          class="button"
          href={jobPath(id, `/logs?attempt=${attempt}&download=true`)}
          download={`${id}.${attempt}.log`}
        >
          Download
        </a>
      </div>
      <Trouble problem={source.problem.value} />
      {text !== undefined && text.from > 0 && (
        <p class="earlier">
          <span>
            The last {sizeText(text.to - text.from)} of {sizeText(view!.size)}.
          </span>
          {!view!.isFull && (
            <button type="button" onClick={() => void earlier(false)}>Load more</button>
          )}
          {view!.size <= MOST_SHOWN && !view!.isFull
            ? (
              <button type="button" onClick={() => void earlier(true)}>
                Load all, with line numbers
              </button>
            )
            : <span class="quiet">The download has everything.</span>}
        </p>
      )}
      <div
        ref={panel}
        class={`lines ${wraps.value ? "wraps" : ""} ${text?.from === 0 ? "numbered" : ""}`}
        // So that it can be scrolled by keyboard.
        tabIndex={0}
        role="region"
        aria-label="Lines"
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          isFollowing.value = scrollHeight - scrollTop - clientHeight < NEAR;
        }}
      >
        <LogLines blocks={blocks} near={near} />
        {text?.count === 0 && (
          <p class="quiet">{view?.isRunning ? "No output yet." : "No output."}</p>
        )}
      </div>
    </section>
  );
}
