// Keyboard shortcuts, and the list of them.
import { useLayoutEffect } from "preact/hooks";
import { go } from "../place.ts";
import { isDialogOpen, openDialog } from "./dialog.tsx";
import { closeDialog } from "./dialog.tsx";

type Keys = Readonly<Record<string, (event: KeyboardEvent) => void>>;

const layers: Keys[] = [];
/** When `g` was pressed. */
let goPressedAt = 0;

const PLACES: Readonly<Record<string, string>> = {
  o: "#/",
  j: "#/jobs",
  q: "#/queues",
  s: "#/schedules",
  d: "#/dead",
  c: "#/settings",
};

const HELP: readonly (readonly [string, string])[] = [
  ["g then o, j, q, s, d, c", "Overview, jobs, queues, schedules, dead letters, configuration"],
  ["/", "Search the output, or filter the list"],
  ["j k, or arrows", "Next and previous job of a list"],
  ["Enter", "Open the job"],
  ["x", "Select or deselect the job"],
  ["r, c, Delete", "Retry, cancel, remove: the job, or the selected ones"],
  ["[ ]", "Newer and older page"],
  ["f", "Follow the output, or stop following"],
  ["n N", "Next and previous match in the output"],
  ["Esc", "Leave the field, clear the selection"],
  ["?", "This list"],
];

/** The shortcuts of a component, active while it is mounted. */
export function useKeys(keys: Keys): void {
  // In step with the document: a key must act on what the user sees.
  useLayoutEffect(() => {
    layers.push(keys);
    return () => void layers.splice(layers.indexOf(keys), 1);
  });
}

export function startKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isDialogOpen()) return;
    const { target, key } = event;
    if (target instanceof Element && target.closest("input:not([type=checkbox]),select,textarea")) {
      if (key === "Escape" && target instanceof HTMLElement) target.blur();
      return;
    }
    if (performance.now() - goPressedAt < 1500 && PLACES[key] !== undefined) {
      goPressedAt = 0;
      event.preventDefault();
      return go(PLACES[key]);
    }
    goPressedAt = key === "g" ? performance.now() : 0;
    if (key === "?") return openDialog(<Help />);
    const layer = layers.findLast((one) => one[key] !== undefined);
    if (layer === undefined) return;
    event.preventDefault();
    layer[key]!(event);
  });
}

export function Help() {
  return (
    <>
      <h2 id="dialog-title">Keyboard shortcuts</h2>
      <dl class="keys">
        {HELP.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="answers">
        <button type="button" class="main" autofocus onClick={closeDialog}>Close</button>
      </p>
    </>
  );
}
