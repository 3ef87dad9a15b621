// The status of the store, shared by all screens: loaded once, then updated by events.
import { computed, effect, signal, untracked } from "@preact/signals";
import { ask, isSignedOut, type Status } from "./api.ts";
import { setClock } from "./clock.ts";
import { isConnected, liveStatus } from "./live.ts";

const asked = signal<Status | undefined>(undefined);

/** Undefined until the server has answered. */
export const status = computed<Status | undefined>(() =>
  asked.value && { ...asked.value, ...liveStatus.value }
);
export const canChange = computed(() => asked.value?.read_only === false);
export const canEnqueue = computed(() => canChange.value && asked.value?.allow_enqueue === true);

/** Loads again what events do not include. */
export async function refreshStatus(): Promise<void> {
  try {
    const answer = await ask<Status>("api/status");
    setClock(answer.now);
    asked.value = answer;
  } catch {
    // The screens show the problem.
  }
}

const isLost = computed(() => isConnected.value === false);

// Also when the server is back, perhaps another one.
effect(() => {
  if (!isSignedOut.value && !isLost.value) untracked(() => void refreshStatus());
});
