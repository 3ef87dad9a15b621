// How to start this same program again: as a worker, in the background, from a service. Asks nobody
// but Deno; starts nothing.
import { PERMISSION_FLAGS } from "./permissions.ts";

/**
 * How V8 is to run the program: it does few things, and those again and again, so that compiling
 * them better costs more than it gains, in memory too. A worker then has 60 MB rather than 90. The
 * same for a supervisor as for its workers: what V8 compiled under other flags it throws away, so
 * that each would have the other compile all of it again.
 */
export const ENGINE_FLAG =
  "--v8-flags=--no-opt,--no-maglev,--max-semi-space-size=1,--optimize-for-size";

/** A program and its first arguments; more can be added at the end. */
export interface SelfCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** What is known of the running process. */
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
 * @param flags for `deno run`: what it shall allow; a compiled program has its own inside
 */
export function selfCommand(
  flags: readonly string[] = PERMISSION_FLAGS,
  facts: SelfFacts = factsOfThisProcess(),
): SelfCommand {
  const program = executable(facts);
  if (facts.standalone) return { program, args: [] };
  const main = pathOfUrl(facts.mainModule);
  // Elsewhere Deno finds another deno.json or none, and the names of packages mean nothing.
  const config = pathOfUrl(new URL("deno.json", facts.mainModule).href);
  return {
    program,
    args: ["run", "--cached-only", "--config", config, ENGINE_FLAG, ...flags, main],
  };
}

/**
 * The folder of the program's code under `deno run`, by its name and, where that leads over a link,
 * by its real one too: Deno asks for leave to read a module under either.
 */
export function sourceFolders(mainModule: string = Deno.mainModule): string[] {
  const named = pathOfUrl(new URL(".", mainModule).href).replace(/\/$/, "");
  return [...new Set([named, Deno.realPathSync(named)])];
}

/**
 * Linux adds a word to the path of a program whose file was removed, also when a newer version took
 * its place. Then that one is started: the old one can't be, since it reads itself by its name.
 */
function executable({ execPath, exists }: SelfFacts): string {
  const path = execPath.endsWith(DELETED) ? execPath.slice(0, -DELETED.length) : execPath;
  return path !== execPath && exists(execPath) ? execPath : path;
}

const DELETED = " (deleted)";

/**
 * The path of a `file:` URL, as this platform writes it. Not node:url's: that costs start-up time.
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
