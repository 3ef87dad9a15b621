// The server's time, updated once a second while the page is visible.
import { signal } from "@preact/signals";

/** Milliseconds since 1970. */
export const now = signal(Date.now());
let ahead = 0;

/** Adjusts to the server's clock, so that ages are right even if the browser's clock is wrong. */
export function setClock(serverTime: string): void {
  const difference = Date.parse(serverTime) - Date.now();
  // A smaller difference is the time that the answer took.
  ahead = Math.abs(difference) < 2000 ? 0 : difference;
  now.value = Date.now() + ahead;
}

setInterval(() => {
  if (!document.hidden) now.value = Date.now() + ahead;
}, 1000);
document.addEventListener("visibilitychange", () => now.value = Date.now() + ahead);
