// The time, as the server has it, moving on once a second while the page shows.
import { signal } from "@preact/signals";

/** Milliseconds since 1970. */
export const now = signal(Date.now());
let ahead = 0;

/** Takes over the server's time: ages shall be right where the browser's clock is not. */
export function setClock(serverTime: string): void {
  const difference = Date.parse(serverTime) - Date.now();
  // Less is the time that the answer took.
  ahead = Math.abs(difference) < 2000 ? 0 : difference;
  now.value = Date.now() + ahead;
}

setInterval(() => {
  if (!document.hidden) now.value = Date.now() + ahead;
}, 1000);
document.addEventListener("visibilitychange", () => now.value = Date.now() + ahead);
