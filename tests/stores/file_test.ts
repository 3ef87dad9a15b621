import type { JobReader } from "../../src/queue/store.ts";
import { openReader } from "../../src/stores/file/reader.ts";
import { type FileStore, openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { testJobStore } from "./conformance.ts";

testJobStore("FileStore", (test, now) =>
  withTempDir(async (dir) => {
    const open = () => openFileStore(dir, { files: diskFiles, now });
    const store = await open();
    try {
      await test(store, open);
    } finally {
      store.close();
    }
  }));

// What commands see that only show something: all that is asked of the store is looked up by a
// reader.
testJobStore("Reader", (test, now) =>
  withTempDir(async (dir) => {
    const opened: FileStore[] = [];
    const open = async () => {
      const store = await openFileStore(dir, { files: diskFiles, now });
      opened.push(store);
      const reader: JobReader = await openReader(dir, diskFiles, () => {});
      return new Proxy(store, {
        get(_, name: keyof FileStore) {
          const from = name in reader && name !== "close" ? reader : store;
          return (from as FileStore)[name]?.bind(from);
        },
      });
    };
    try {
      await test(await open(), open);
    } finally {
      for (const store of opened) store.close();
    }
  }));
