// The version of the program. It is defined in deno.json only; the build writes it, and the commit,
// into the bundle.

/** Defined by scripts/build.ts; undefined under `deno run`. */
declare const QUEUECTL_BUILD: { readonly version: string; readonly commit: string } | undefined;

/**
 * For example `0.1.0 (1a2b3c4d5e6f)`. It reads deno.json under `deno run`, so call it only to show
 * it.
 */
export function version(): string {
  if (typeof QUEUECTL_BUILD !== "undefined") {
    return `${QUEUECTL_BUILD.version} (${QUEUECTL_BUILD.commit})`;
  }
  // An import would add a module to each start, and put all of deno.json into the bundle.
  const config = JSON.parse(Deno.readTextFileSync(new URL("../deno.json", import.meta.url)));
  return `${config.version} (from source)`;
}
