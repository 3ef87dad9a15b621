// Which version of the program this is. The number's one home is deno.json; the build writes it,
// and the commit, into the bundle.

/** Put in front of the code by scripts/build.ts; there is none under `deno run`. */
declare const QUEUECTL_BUILD: { readonly version: string; readonly commit: string } | undefined;

/**
 * Such as `0.1.0 (1a2b3c4d5e6f)`. Reads deno.json under `deno run`, so call it only where it is
 * shown.
 */
export function version(): string {
  if (typeof QUEUECTL_BUILD !== "undefined") {
    return `${QUEUECTL_BUILD.version} (${QUEUECTL_BUILD.commit})`;
  }
  // An import would cost each start a module, and put all of deno.json into the bundle.
  const config = JSON.parse(Deno.readTextFileSync(new URL("../deno.json", import.meta.url)));
  return `${config.version} (from source)`;
}
