// The program that end-to-end tests run: a build that $QUEUECTL_BIN names, or else the sources.
import { type SelfCommand, selfCommand } from "../../src/system/self.ts";
import { resolve } from "../../src/system/paths.ts";

/** How to start it, from any folder. */
export function programUnderTest(): SelfCommand {
  const built = Deno.env.get("QUEUECTL_BIN");
  if (built) return { program: resolve(Deno.cwd(), built), args: [] };
  return selfCommand(undefined, {
    standalone: false,
    execPath: Deno.execPath(),
    mainModule: new URL("../../main.ts", import.meta.url).href,
    exists: () => true,
  });
}
