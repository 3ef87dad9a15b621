import { MemoryStore } from "../../src/stores/memory/store.ts";
import { testJobStore } from "./conformance.ts";

testJobStore("MemoryStore", async (test, now) => {
  const store = new MemoryStore(now);
  await test(store, () => Promise.resolve(store));
  await store.close();
});
