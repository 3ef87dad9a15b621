// The state of the store that all screens share: asked for once, and kept up by the stream.
import { computed, effect, signal, untracked } from "@preact/signals";
import { ask, isSignedOut, type Status } from "./api.ts";
import { setClock } from "./clock.ts";
import { liveStatus } from "./live.ts";

const asked = signal<Status | undefined>(undefined);

/** Undefined until the server has answered. */
export const status = computed<Status | undefined>(() =>
  asked.value && { ...asked.value, ...liveStatus.value }
);
export const canChange = computed(() => asked.value?.read_only === false);
export const canEnqueue = computed(() => canChange.value && asked.value?.allow_enqueue === true);

/** Asks anew for what the stream does not tell. */
export async function refreshStatus(): Promise<void> {
  try {
    const answer = await ask<Status>("api/status");
    setClock(answer.now);
    asked.value = answer;
  } catch {
    // Shown by whatever screen asks next, and by the mark for the stream.
  }
}

effect(() => {
  if (!isSignedOut.value) untracked(() => void refreshStatus());
});
