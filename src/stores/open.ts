// Opens the store at a location. Only this file knows which kinds of stores exist.
import { FolderStore, type StoreWorld } from "./file/folder_store.ts";
import type { Store, StoreLocation } from "./store.ts";

export type { StoreWorld } from "./file/folder_store.ts";

/** Makes the store at `location`. Nothing is read or written yet. */
export function openStore(location: StoreLocation, world: StoreWorld): Store {
  return new FolderStore(location.path, world);
}
