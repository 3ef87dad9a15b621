// What `storage info` shows.
import { oneLine } from "./escape.ts";

/** Where the data is, and how much. @param isFolder whether the store is one */
export function storageText(
  store: string,
  isFolder: boolean,
  jobs: number,
  sizes: { files: number; bytes: number; logBytes: number },
): string {
  return [
    `${isFolder ? "Folder" : "Store "}  ${oneLine(store)}`,
    `Jobs    ${jobs}`,
    ...(isFolder ? [`Files   ${sizes.files}`] : []),
    `Size    ${bytesText(sizes.bytes)}, of which logs ${bytesText(sizes.logBytes)}`,
    "",
  ].join("\n");
}

/** `512 B`, `1.5 KiB`, `20 MiB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [amount, unit] = [bytes, 0];
  while (amount >= 1024 && unit < units.length - 1) [amount, unit] = [amount / 1024, unit + 1];
  return `${amount < 10 && unit > 0 ? amount.toFixed(1) : Math.round(amount)} ${units[unit]}`;
}
