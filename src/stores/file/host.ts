// The files of this host, which are in the data folder too, since all its users are on one machine.
import type { Host } from "../store.ts";
import { journalPath, logPath } from "./layout.ts";

export function hostOf(dataDir: string): Host {
  return {
    options: [`--data-dir=${dataDir}`],
    folder: dataDir,
    startLog: `${dataDir}/start.log`,
    journal: (worker) => journalPath(dataDir, worker),
    log: (id, attempt) => logPath(dataDir, id, attempt),
  };
}
