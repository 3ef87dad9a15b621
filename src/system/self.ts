// The command line that starts this program again: as a worker, in the background, or from a
// service. It starts nothing itself.
import { PERMISSION_FLAGS } from "./permissions.ts";

/**
 * Flags for V8. The program does few things again and again, so that optimizing them costs more
 * than it gains, also in memory: a worker takes 60 MB instead of 90. Supervisors and workers must
 * have the same flags: V8 discards code that was cached with other flags, so each would make the
 * other compile everything again.
 */
export const ENGINE_FLAG =
  "--v8-flags=--no-opt,--no-maglev,--max-semi-space-size=1,--optimize-for-size";

/** A program and its first arguments; more can be appended. */
export interface SelfCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** Facts about the running process. */
export interface SelfFacts {
  /** Whether it was made by `deno compile`. */
  readonly standalone: boolean;
  readonly execPath: string;
  /** The URL of the main module. */
  readonly mainModule: string;
  readonly exists: (path: string) => boolean;
}

/**
 * How to start this program again, from any folder and without a prompt.
 *
 * @param flags permission flags for `deno run`; a compiled program has its own built in
 */
export function selfCommand(
  flags: readonly string[] = PERMISSION_FLAGS,
  facts: SelfFacts = factsOfThisProcess(),
): SelfCommand {
  const program = executable(facts);
  if (facts.standalone) return { program, args: [] };
  const main = pathOfUrl(facts.mainModule);
  // In another folder Deno would find another deno.json or none, and could not resolve packages.
  const config = pathOfUrl(new URL("deno.json", facts.mainModule).href);
  return {
    program,
    args: ["run", "--cached-only", "--config", config, ENGINE_FLAG, ...flags, main],
  };
}

/**
 * The folder of the program's code under `deno run`, and its real path too if that is different,
 * since Deno asks for permission to read a module under either.
 */
export function sourceFolders(mainModule: string = Deno.mainModule): string[] {
  const named = pathOfUrl(new URL(".", mainModule).href).replace(/\/$/, "");
  return [...new Set([named, Deno.realPathSync(named)])];
}

/**
 * The path of the running program. Linux appends ` (deleted)` to it if the file was removed or
 * replaced by a newer version. Then the newer version is started; the old one can't be, since it
 * reads itself by its path.
 */
function executable({ execPath, exists }: SelfFacts): string {
  const path = execPath.endsWith(DELETED) ? execPath.slice(0, -DELETED.length) : execPath;
  return path !== execPath && exists(execPath) ? execPath : path;
}

const DELETED = " (deleted)";

/**
 * The path of a `file:` URL in the form of this platform. Without node:url, which costs start-up
 * time.
 */
export function pathOfUrl(url: string): string {
  const { host, pathname } = new URL(url);
  const path = decodeURIComponent(pathname);
  if (host !== "") return `//${host}${path}`;
  return /^\/[A-Za-z]:\//.test(path) ? path.slice(1) : path;
}

function factsOfThisProcess(): SelfFacts {
  return {
    standalone: Deno.build.standalone,
    execPath: Deno.execPath(),
    mainModule: Deno.mainModule,
    exists(path) {
      try {
        Deno.lstatSync(path);
        return true;
      } catch {
        return false;
      }
    },
  };
}
