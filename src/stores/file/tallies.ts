// The counters of a data folder: a file for each name of a worker, which nobody else writes to.
import {
  added,
  NOTHING,
  type Tallies,
  type Tally,
  tallyFromJson,
  tallyToJson,
} from "../../queue/tally.ts";
import type { FileSystem } from "../../system/file_system.ts";
import { makeUnlessThere, namesIn } from "./bucketed_index.ts";
import { talliesFolder } from "./layout.ts";
import { promised } from "./promised.ts";

export class FileTallies implements Tallies {
  readonly #folder: string;
  readonly #files: FileSystem;

  constructor(dataDir: string, files: FileSystem) {
    this.#folder = talliesFolder(dataDir);
    this.#files = files;
  }

  add(name: string, more: Tally): Promise<void> {
    return promised(() => {
      makeUnlessThere(this.#files, this.#folder);
      const path = `${this.#folder}/${name}.json`;
      const unfinished = `${path}.tmp`;
      const text = JSON.stringify(tallyToJson(added(this.#read(path), more)));
      // Not synced: after a power cut counters may stand where they stood a moment before.
      if (this.#files.info(unfinished) !== undefined) this.#files.remove(unfinished);
      this.#files.create(unfinished, text);
      this.#files.rename(unfinished, path);
    });
  }

  total(): Promise<Tally> {
    return promised(() =>
      namesIn(this.#files, this.#folder)
        .filter((name) => name.endsWith(".json"))
        .map((name) => this.#read(`${this.#folder}/${name}`))
        .reduce(added, NOTHING)
    );
  }

  /** One that can't be read counts from zero again, which those who watch counters allow for. */
  #read(path: string): Tally {
    try {
      return tallyFromJson(JSON.parse(this.#files.readText(path))) ?? NOTHING;
    } catch (error) {
      const isNone = error instanceof Deno.errors.NotFound || error instanceof SyntaxError;
      if (!isNone) throw error;
      return NOTHING;
    }
  }
}
