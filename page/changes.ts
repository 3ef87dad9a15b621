// Changes of many jobs that this tab looks after: how far each has come on the server, until it has
// ended. They go on there, whether somebody looks or not.
import { effect, signal, untracked } from "@preact/signals";
import { ask, isSignedOut, type ManyChange, problemOf, tell } from "./api.ts";

/** Milliseconds between looks. */
const PERIOD = 500;
/** And while the server does not answer. */
const PATIENT = 3000;

/** Those that go on, by their ids. */
export const changes = signal<ReadonlyMap<string, ManyChange>>(new Map());
/** The one that has ended last, of those that went on. */
export const ended = signal<ManyChange | undefined>(undefined);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Begins a change. @throws Problem */
export async function beginChange(wish: unknown): Promise<ManyChange> {
  const change = await tell<ManyChange>("api/changes", wish);
  take(change);
  return change;
}

/** @throws Problem */
export async function stopChange(id: string): Promise<void> {
  take(await tell<ManyChange>(`api/changes/${id}/stop`));
}

function take(change: ManyChange): void {
  const all = new Map(changes.value);
  const wentOn = all.has(change.id);
  if (change.ended_at === null) all.set(change.id, change);
  else all.delete(change.id);
  changes.value = all;
  if (change.ended_at !== null && wentOn) ended.value = change;
  if (all.size > 0) lookAgain(PERIOD);
}

function lookAgain(after: number): void {
  timer ??= setTimeout(look, after);
}

async function look(): Promise<void> {
  timer = undefined;
  let wait = PERIOD;
  for (const change of changes.value.values()) {
    try {
      take(await ask<ManyChange>(`api/changes/${change.id}`));
    } catch (error) {
      const { status } = problemOf(error);
      wait = PATIENT;
      // The server was started again: what it had not done by then it does not do.
      if (status === 404) take({ ...change, state: "stopped", complete: false, ended_at: "" });
    }
  }
  if (changes.value.size > 0) lookAgain(wait);
}

/** Those that were begun before this page was loaded, or in another tab. */
async function findOthers(): Promise<void> {
  try {
    const all = await ask<readonly ManyChange[]>("api/changes");
    for (const change of all) if (change.ended_at === null) take(change);
  } catch {
    // The screens show the problem.
  }
}

effect(() => {
  if (!isSignedOut.value) untracked(() => void findOthers());
});
