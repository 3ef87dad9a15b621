// From where a store is to the store. Only this file knows which stores there are.
import { FolderStore, type StoreWorld } from "./file/folder_store.ts";
import type { Store, StoreLocation } from "./store.ts";

export type { StoreWorld } from "./file/folder_store.ts";

/** The store at `location`. Nothing is read or written yet. */
export function openStore(location: StoreLocation, world: StoreWorld): Store {
  return new FolderStore(location.path, world);
}
