// What this browser keeps of how somebody likes the page. It works without, as in private windows.

type Name = "theme" | "wrap";

export function recall(name: Name): string | null {
  try {
    return localStorage.getItem(`queuectl ${name}`);
  } catch {
    return null;
  }
}

export function remember(name: Name, value: string): void {
  try {
    localStorage.setItem(`queuectl ${name}`, value);
  } catch {
    // Then it holds until the page is left.
  }
}
