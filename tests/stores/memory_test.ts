import { MemoryStore } from "../../src/stores/memory/store.ts";
import { testJobStore } from "./conformance.ts";
import type { WithStore } from "./with_store.ts";
import { testDependencies } from "./dependency_conformance.ts";
import { testStartBy } from "./start_by_conformance.ts";
import { testUniqueKeys } from "./unique_conformance.ts";

const withMemoryStore: WithStore = async (test, now) => {
  const store = new MemoryStore(now);
  await test(store, () => Promise.resolve(store));
  await store.close();
};

testJobStore("MemoryStore", withMemoryStore);
testDependencies("MemoryStore", withMemoryStore);
testUniqueKeys("MemoryStore", withMemoryStore);
testStartBy("MemoryStore", withMemoryStore);
