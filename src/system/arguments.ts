// Checks whether the arguments of this process were valid UTF-8. Deno passes them as text, and
// replaces invalid bytes by U+FFFD.

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Whether these, the last arguments of this process, are exactly what was typed. If the system does
 * not tell, a U+FFFD counts as a lost byte, since nobody types one.
 */
export async function areIntact(args: readonly string[]): Promise<boolean> {
  if (!args.some((arg) => arg.includes("\ufffd"))) return true;
  if (Deno.build.os !== "linux") return false;
  // Deno itself may not read /proc without all permissions.
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", 'exec cat "/proc/$PPID/cmdline"'],
    stdin: "null",
    stderr: "null",
  }).output();
  return areTheLast(stdout, args);
}

/** Whether the kernel's copy of the arguments (each followed by a NUL) ends with these texts. */
export function areTheLast(bytes: Uint8Array, args: readonly string[]): boolean {
  try {
    const all = decoder.decode(bytes).split("\0").slice(0, -1);
    return all.length >= args.length && args.every((arg, i) => arg === all.at(i - args.length));
  } catch {
    return false;
  }
}
