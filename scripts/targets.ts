// The platforms that queuectl is built for, under the names that its files have. install.sh names
// the same.

export interface Target {
  /** The part of `queuectl-linux-x64` after the first dash. */
  readonly name: string;
  /** Its name for `deno compile --target`. */
  readonly triple: string;
  readonly file: string;
}

function target(name: string, triple: string, extension = ""): Target {
  return { name, triple, file: `queuectl-${name}${extension}` };
}

export const TARGETS: readonly Target[] = [
  target("linux-x64", "x86_64-unknown-linux-gnu"),
  target("linux-arm64", "aarch64-unknown-linux-gnu"),
  target("macos-x64", "x86_64-apple-darwin"),
  target("macos-arm64", "aarch64-apple-darwin"),
  target("windows-x64", "x86_64-pc-windows-msvc", ".exe"),
];

/** The platform that this runs on, if it is one of them. */
export function hostTarget(triple: string = Deno.build.target): Target | null {
  return TARGETS.find((target) => target.triple === triple) ?? null;
}

/**
 * The targets that the arguments of the build name.
 *
 * @returns a message instead if a target is not known
 */
export function targetsFrom(
  args: readonly string[],
  host = hostTarget(),
): readonly Target[] | string {
  const names = TARGETS.map(({ name }) => name).join(", ");
  const joined = args.join(" ").replace(/^--target=/, "--target ");
  const asked = joined === "" ? host?.name : /^--target (\S+)$/.exec(joined)?.[1];
  if (asked === undefined) {
    return `Usage: deno task build [--target NAME|all], NAME one of: ${names}`;
  }
  if (asked === "all") return TARGETS;
  const found = TARGETS.find(({ name, triple }) => name === asked || triple === asked);
  return found === undefined
    ? `Unknown target "${asked}": it takes all, or one of ${names}`
    : [found];
}
