// Dialogs, one at a time, and short notes that confirm what was done.
import { signal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

const shown = signal<VNode | undefined>(undefined);
const notes = signal<readonly Note[]>([]);

interface Note {
  readonly id: number;
  readonly text: string;
  /** Where more is to be seen: an address, or what opens it. */
  readonly more: string | (() => void) | undefined;
}

/** Milliseconds for which a note is shown. */
const STANDS = { plain: 6000, withMore: 20_000 };
let lastNote = 0;

export function openDialog(content: VNode): void {
  shown.value = content;
}

export function closeDialog(): void {
  shown.value = undefined;
}

export function isDialogOpen(): boolean {
  return shown.value !== undefined;
}

/** Confirms that something was done. `more`: a link to the result, or what shows it. */
export function note(text: string, more?: Note["more"]): void {
  const id = ++lastNote;
  notes.value = [...notes.value.slice(-3), { id, text, more }];
  const stands = more === undefined ? STANDS.plain : STANDS.withMore;
  setTimeout(() => notes.value = notes.value.filter((one) => one.id !== id), stands);
}

/** Where dialogs and notes are shown. */
export function Overlays() {
  return (
    <>
      {shown.value !== undefined && <Frame key={shown.value}>{shown.value}</Frame>}
      <div class="notes" role="status">
        {notes.value.map(({ id, text, more }) => (
          <p key={id}>
            {typeof more === "string"
              ? <a href={more}>{text}</a>
              : more === undefined
              ? text
              : <button type="button" class="plain" onClick={more}>{text}</button>}
          </p>
        ))}
      </div>
    </>
  );
}

function Frame({ children }: { children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => before instanceof HTMLElement && before.focus();
  }, []);
  return (
    <dialog ref={element} aria-labelledby="dialog-title" onClose={closeDialog}>
      {children}
    </dialog>
  );
}

/** A question with two answers. */
export function Question({ title, yes, isBad = false, onYes, children }: {
  title: string;
  yes: string;
  /** Whether a yes destroys something. */
  isBad?: boolean;
  onYes: () => void;
  children?: ComponentChildren;
}) {
  return (
    <>
      <h2 id="dialog-title">{title}</h2>
      {children}
      <p class="answers">
        <button type="button" onClick={closeDialog}>Back</button>
        <button
          type="button"
          class={isBad ? "bad" : "main"}
          autofocus
          onClick={() => {
            closeDialog();
            onYes();
          }}
        >
          {yes}
        </button>
      </p>
    </>
  );
}
