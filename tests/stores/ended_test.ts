import { assertEquals } from "@std/assert";
import { EndedShelf } from "../../src/stores/file/ended.ts";
import { parseBucket, type Ticket } from "../../src/stores/file/layout.ts";
import { BUCKET_SIZE } from "../../src/stores/file/shelf.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

function ticket(n: number): Ticket {
  return { at: EPOCH + n, priority: 0, createdAt: EPOCH, sequence: n, tag: "c", id: `j${n}` };
}

function add(dir: string, shelf: EndedShelf, n: number): void {
  diskFiles.create(`${dir}/ticket`, "");
  shelf.add(`${dir}/ticket`, ticket(n));
}

Deno.test("a full bucket is sealed with its count", () =>
  withTempDir((dir) => {
    diskFiles.makeFolder(`${dir}/ended`);
    const shelf = new EndedShelf(diskFiles, `${dir}/ended`, "a");
    for (let n = 0; n <= BUCKET_SIZE; n++) add(dir, shelf, n);
    assertEquals(shelf.buckets().map(({ count }) => count), [BUCKET_SIZE, undefined]);
  }));

Deno.test("tickets are put away also while another process seals the bucket", () =>
  withTempDir((dir) => {
    diskFiles.makeFolder(`${dir}/ended`);
    const shelf = new EndedShelf(diskFiles, `${dir}/ended`, "a");
    add(dir, shelf, 0);
    const [bucket] = shelf.buckets();
    const closing = `${dir}/ended/${bucket!.name}!`;
    diskFiles.makeFolder(closing);
    diskFiles.create(`${closing}/1.2`, "");
    for (let n = 1; n <= BUCKET_SIZE; n++) add(dir, shelf, n);
    const tickets = diskFiles.names(`${dir}/ended`).flatMap((name) => shelf.tickets(parseBucket(name)!));
    assertEquals(tickets.length, BUCKET_SIZE + 1);
  }));

Deno.test("several processes fill a bucket together, and go on with another when one has sealed it", () =>
  withTempDir((dir) => {
    diskFiles.makeFolder(`${dir}/ended`);
    const shelves = ["a", "b", "c"].map((unique) => new EndedShelf(diskFiles, `${dir}/ended`, unique));
    for (let n = 0; n < 3 * BUCKET_SIZE; n++) add(dir, shelves[n % 3]!, n);
    const [shelf] = shelves;
    const buckets = shelf!.buckets();
    assertEquals(buckets.reduce((sum, bucket) => sum + shelf!.tickets(bucket).length, 0), 3 * BUCKET_SIZE);
    for (const bucket of buckets) {
      if (bucket.count !== undefined) assertEquals(shelf!.tickets(bucket).length, bucket.count);
    }
    assertEquals(new Set(buckets.map(({ lower }) => lower)).size, buckets.length);
    assertEquals(buckets.length < 6, true, `${buckets.length} buckets`);
  }));
