// What each row or page that changes something has: whether a change is under way, and why the last one
// was refused.
import { type Signal, useSignal } from "@preact/signals";
import { type Problem, problemOf } from "../api.ts";
import { canChange } from "../status.ts";

/** A change of one thing, told to the server. */
export interface Change {
  readonly isBusy: Signal<boolean>;
  readonly problem: Signal<Problem | undefined>;
  /** Does it, and then calls `onChanged`; a refusal becomes `problem`. */
  run(change: () => Promise<void>, onChanged: () => void): Promise<void>;
}

export function useChange(): Change {
  const problem = useSignal<Problem | undefined>(undefined);
  const isBusy = useSignal(false);
  const run = async (change: () => Promise<void>, onChanged: () => void) => {
    isBusy.value = true;
    try {
      await change();
      problem.value = undefined;
      onChanged();
    } catch (error) {
      problem.value = problemOf(error);
    } finally {
      isBusy.value = false;
    }
  };
  return { isBusy, problem, run };
}

/** The head of the column with buttons, where changes are allowed. */
export function ActionsHead() {
  if (!canChange.value) return null;
  return (
    <th class="actions">
      <span class="unseen">Actions</span>
    </th>
  );
}
