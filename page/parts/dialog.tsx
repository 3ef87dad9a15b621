// Dialogs, one at a time, and short notes that confirm what was done.
import { signal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

const shown = signal<VNode | undefined>(undefined);
const notes = signal<readonly { id: number; text: string; href: string | undefined }[]>([]);
/** Milliseconds for which a note is shown. */
const STANDS = 6000;
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

/** Confirms that something was done. `href`: a link to the result. */
export function note(text: string, href?: string): void {
  const id = ++lastNote;
  notes.value = [...notes.value.slice(-3), { id, text, href }];
  setTimeout(() => notes.value = notes.value.filter((one) => one.id !== id), STANDS);
}

/** Where dialogs and notes are shown. */
export function Overlays() {
  return (
    <>
      {shown.value !== undefined && <Frame key={shown.value}>{shown.value}</Frame>}
      <div class="notes" role="status">
        {notes.value.map(({ id, text, href }) => (
          <p key={id}>{href === undefined ? text : <a href={href}>{text}</a>}</p>
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
