// Where the page is: the address as a signal.
import { computed, effect, signal } from "@preact/signals";
import { addressOf, type Place, placeOf } from "./address.ts";

const hash = signal(location.hash);
export const place = computed(() => placeOf(hash.value));

addEventListener("hashchange", () => {
  hash.value = location.hash;
  // A filter leaves the list where it is; another screen begins at its top.
  scrollTo(0, 0);
});

/** Goes there. `replace`: without a step that leads back. */
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
