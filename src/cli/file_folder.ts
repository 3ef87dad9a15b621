// What commands need of the data folder, on the JSON store. Each part is loaded when it is called.
import type { FileSystem } from "../system/file_system.ts";
import type { DataFolder } from "./context.ts";

/** `warn` is told of files that can't be read. */
export function fileFolder(files: FileSystem, warn: (message: string) => void): DataFolder {
  return {
    openStore: async (dataDir) => {
      const { openFileStore } = await import("../stores/file/store.ts");
      return await openFileStore(dataDir, { files, warn });
    },
    openReader: async (dataDir) => {
      const { openReader } = await import("../stores/file/reader.ts");
      return await openReader(dataDir, files, warn);
    },
    openInbox: async (dataDir) => {
      const { openInbox } = await import("../stores/file/inbox.ts");
      return await openInbox(dataDir, files);
    },
    openSchedules: async (dataDir) => {
      const [{ FileSchedules }, { prepareFolder }] = await Promise.all([
        import("../stores/file/schedules.ts"),
        import("../stores/file/prepare_folder.ts"),
      ]);
      await prepareFolder(dataDir, files);
      return new FileSchedules(dataDir, { files, warn });
    },
    logPath: async (dataDir, id, attempt) => {
      const { logPath } = await import("../stores/file/layout.ts");
      return logPath(dataDir, id, attempt);
    },
    liveWorkers: async (dataDir) => {
      const { liveWorkers } = await import("../worker/worker_lock.ts");
      return liveWorkers(files, dataDir);
    },
    requestCancel: async (dataDir, id) => {
      const { requestCancel } = await import("../worker/control.ts");
      requestCancel(files, dataDir, id);
    },
    clearCancel: async (dataDir, id) => {
      const { clearCancel } = await import("../worker/control.ts");
      clearCancel(files, dataDir, id);
    },
    signal: async (dataDir, names, signal) => {
      const { signalHolders } = await import("../worker/signal_holders.ts");
      return await signalHolders(files, dataDir, names, signal);
    },
    endOrphan: async (dataDir, store, job, reason) => {
      const [{ endOrphan }, { loadSettings }, { journalPath }] = await Promise.all([
        import("../worker/orphans.ts"),
        import("../config/load.ts"),
        import("../stores/file/layout.ts"),
      ]);
      const settings = loadSettings(dataDir, files);
      const journal = (worker: string) => journalPath(dataDir, worker);
      return await endOrphan(job, reason, {
        files,
        dataDir,
        store,
        settings,
        now: Date.now,
        journal,
      });
    },
    backup: async (dataDir, target, progress) => {
      const { backup } = await import("../stores/file/backup.ts");
      return backup(dataDir, target, files, progress);
    },
    restore: async (dataDir, from, progress) => {
      const { restore } = await import("../stores/file/restore.ts");
      return await restore(dataDir, from, files, progress);
    },
    check: async (dataDir, options, progress) => {
      const [{ check }, { lastRun }, { journalPath }] = await Promise.all([
        import("../stores/file/check.ts"),
        import("../exec/journal.ts"),
        import("../stores/file/layout.ts"),
      ]);
      const lastRunOf = (worker: string) => lastRun(files, journalPath(dataDir, worker));
      return check(dataDir, files, { ...options, lastRun: lastRunOf }, progress);
    },
  };
}
