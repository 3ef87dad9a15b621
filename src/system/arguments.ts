// The words that this process was called with, as bytes: Deno hands them over as text, and puts
// U+FFFD in the place of what is none.

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Whether these, the last arguments of this process, are what was typed. Where the system does not
 * tell, a U+FFFD in them is taken for a byte that was lost: nobody types one.
 */
export async function areIntact(args: readonly string[]): Promise<boolean> {
  if (!args.some((arg) => arg.includes("\ufffd"))) return true;
  if (Deno.build.os !== "linux") return false;
  // Deno itself may not read /proc unless it is granted everything.
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", 'exec cat "/proc/$PPID/cmdline"'],
    stdin: "null",
    stderr: "null",
  }).output();
  return areTheLast(stdout, args);
}

/** Whether what the kernel keeps (each argument with a NUL behind it) ends with these texts. */
export function areTheLast(bytes: Uint8Array, args: readonly string[]): boolean {
  try {
    const all = decoder.decode(bytes).split("\0").slice(0, -1);
    return all.length >= args.length && args.every((arg, i) => arg === all.at(i - args.length));
  } catch {
    return false;
  }
}
