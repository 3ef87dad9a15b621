import { openFileStore } from "../../src/stores/file/store.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { withTempDir } from "../support/temp_dir.ts";
import { testJobStore } from "./conformance.ts";

testJobStore("FileStore", (test, now) =>
  withTempDir(async (dir) => {
    const open = () => openFileStore(dir, { files: diskFiles, now });
    const store = open();
    try {
      await test(store, open);
    } finally {
      store.close();
    }
  }));
