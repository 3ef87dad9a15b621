// Puts a `queuectl` that runs these sources on the PATH of a shell: for the demo, the recorded
// terminal, and the tests of the documents.
import { PERMISSION_FLAGS } from "../src/system/permissions.ts";
import { shellWord } from "../src/system/shell_word.ts";
import { type SelfCommand, selfCommand } from "../src/system/self.ts";

/** How to run the sources, with the permissions that the program has when it is compiled. */
export function sources(): SelfCommand {
  return selfCommand(PERMISSION_FLAGS, {
    standalone: false,
    execPath: Deno.execPath(),
    mainModule: new URL("../main.ts", import.meta.url).href,
    exists: () => true,
  });
}

/** Writes `queuectl` into an existing folder, which the caller puts first on the PATH. */
export function putOnPath(folder: string, { program, args }: SelfCommand): void {
  const words = [program, ...args].map(shellWord);
  Deno.writeTextFileSync(`${folder}/queuectl`, `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`, {
    mode: 0o755,
  });
}

/**
 * The environment of this process with `changes`, and without variables that would make queuectl
 * use other data.
 */
export function cleanEnvironment(changes: Record<string, string>): Record<string, string> {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) =>
    !name.startsWith("QUEUECTL_")
  );
  return { ...Object.fromEntries(kept), ...changes };
}
