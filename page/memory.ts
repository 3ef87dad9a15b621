// Preferences, kept in this browser. The page also works where they can't be kept (private
// windows).

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
    // Then the preference lasts until the page is closed.
  }
}
