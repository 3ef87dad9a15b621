// The current place: the address as a signal.
import { computed, effect, signal } from "@preact/signals";
import { addressOf, type Place, placeOf } from "./address.ts";

const hash = signal(location.hash);
export const place = computed(() => placeOf(hash.value));

addEventListener("hashchange", () => {
  hash.value = location.hash;
  // Each place begins at its top.
  scrollTo(0, 0);
});

/** Goes to a place. `replace`: without a new entry in the browser's history. */
export function go(to: Place | string, { replace = false } = {}): void {
  const address = typeof to === "string" ? to : addressOf(to);
  if (address === location.hash) return;
  if (!replace) {
    location.hash = address;
    return;
  }
  history.replaceState(null, "", address);
  hash.value = address;
}

const TITLES: Readonly<Record<Place["screen"], string>> = {
  overview: "Overview",
  jobs: "Jobs",
  job: "Job",
  queues: "Queues",
  schedules: "Schedules",
  schedule: "Schedule",
  dead: "Dead letter queue",
  settings: "Settings",
  enqueue: "Enqueue",
};

effect(() => {
  const at = place.value;
  const what = at.screen === "job" ? at.id : at.screen === "schedule" ? at.name : "";
  document.title = `${TITLES[at.screen]}${what && ` ${what}`} · queuectl`;
});
