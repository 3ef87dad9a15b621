// Collects what a check finds, and repairs it if that is wanted.
import { messageOf } from "../../queue/errors.ts";
import type { Finding } from "../../queue/maintenance.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { nameOf } from "../../system/paths.ts";
import { makeUnlessThere } from "./bucketed_index.ts";

/** Repairs a problem and returns what it did; undefined if there was no problem after all. */
export type Mend = () => string | undefined;

export class Findings {
  readonly all: Finding[] = [];
  readonly #files: FileSystem;
  readonly #dataDir: string;
  readonly #repair: boolean;

  constructor(files: FileSystem, dataDir: string, repair: boolean) {
    this.#files = files;
    this.#dataDir = dataDir;
    this.#repair = repair;
  }

  /** Adds a problem, and repairs it if that is wanted and possible. */
  add(path: string, problem: string, mend?: Mend): void {
    if (!this.#repair || mend === undefined) {
      this.all.push({ path, problem, repaired: null });
      return;
    }
    try {
      const repaired = mend();
      if (repaired !== undefined) this.all.push({ path, problem, repaired });
    } catch (error) {
      if (isOvertaken(error)) return;
      const why = messageOf(error);
      this.all.push({ path, problem: `${problem}; it can't be repaired: ${why}`, repaired: null });
    }
  }

  /** Adds something that does not belong where it is, and sets it aside. */
  addUnexpected(path: string, problem: string): void {
    if (this.#files.info(path) === undefined) return; // it is gone meanwhile
    this.add(path, problem, () => `set aside as ${this.setAside(path)}`);
  }

  /** Moves a file, folder or link to `damaged/`, under its name. */
  setAside(path: string): string {
    const aside = this.freeName(path);
    this.#files.rename(path, aside);
    return aside;
  }

  /** An unused path in `damaged/` for what is at `path`. */
  freeName(path: string): string {
    const folder = `${this.#dataDir}/damaged`;
    makeUnlessThere(this.#files, folder);
    const name = nameOf(path);
    let aside = `${folder}/${name}`;
    for (let n = 2; this.#files.info(aside) !== undefined; n++) aside = `${folder}/${name}.${n}`;
    return aside;
  }

  /**
   * Checks a folder that only its owner may use. A repair makes it if it is missing.
   * @returns whether it can be read
   */
  checkFolder(path: string): boolean {
    const info = this.#files.info(path);
    if (info === undefined) {
      this.add(path, "is missing", () => makeUnlessThere(this.#files, path) ? "made" : undefined);
      return this.#repair;
    }
    if (info.kind !== "folder") {
      this.add(path, `is ${kindName(info.kind)}, not a folder`, () => {
        const aside = this.setAside(path);
        this.#files.makeFolder(path);
        return `set aside as ${aside}, and made`;
      });
      return this.#repair;
    }
    this.checkMode(path, info.mode, 0o700);
    return true;
  }

  checkMode(path: string, mode: number, wanted: number): void {
    if (Deno.build.os === "windows" || (mode & 0o777) === wanted) return;
    const is = (mode & 0o777).toString(8).padStart(4, "0");
    this.add(path, `has the mode ${is}, not 0${wanted.toString(8)}`, () => {
      this.#files.setMode(path, wanted);
      return "corrected";
    });
  }
}

/**
 * Whether a repair failed because another process changed the same thing, so that nothing is wrong.
 */
function isOvertaken(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.AlreadyExists;
}

export function kindName(kind: string): string {
  return kind === "link" ? "a link" : kind === "other" ? "something else" : `a ${kind}`;
}
