// A `queuectl` for the PATH of a shell that runs these sources: for the demo, for the recorded
// terminal, and for the tests of the documents.
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

/** Writes `queuectl` into an existing folder; the folder belongs in front of the PATH. */
export function putOnPath(folder: string, { program, args }: SelfCommand): void {
  const words = [program, ...args].map(shellWord);
  Deno.writeTextFileSync(`${folder}/queuectl`, `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`, {
    mode: 0o755,
  });
}

/**
 * The environment of this process, without what would lead queuectl to other data, and with
 * `changes`.
 */
export function cleanEnvironment(changes: Record<string, string>): Record<string, string> {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) =>
    !name.startsWith("QUEUECTL_")
  );
  return { ...Object.fromEntries(kept), ...changes };
}
