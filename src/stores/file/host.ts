// What belongs to this host lies in the data folder too, since workers on one machine share it.
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
