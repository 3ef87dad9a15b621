import { assertEquals } from "@std/assert";
import { EndedIndex } from "../../src/stores/file/ended_index.ts";
import { parseBucket, type Ticket } from "../../src/stores/file/layout.ts";
import { BUCKET_SIZE } from "../../src/stores/file/bucketed_index.ts";
import { diskFiles } from "../../src/system/file_system.ts";
import { EPOCH } from "../support/jobs.ts";
import { withTempDir } from "../support/temp_dir.ts";

function ticket(n: number): Ticket {
  return { at: EPOCH + n, priority: 0, createdAt: EPOCH, sequence: n, tag: "c", id: `j${n}` };
}

function add(dir: string, index: EndedIndex, n: number): void {
  diskFiles.create(`${dir}/ticket`, "");
  index.add(`${dir}/ticket`, ticket(n));
}

Deno.test("a full bucket is sealed with its count", () =>
  withTempDir((dir) => {
    diskFiles.makeFolder(`${dir}/ended`);
    const index = new EndedIndex(diskFiles, `${dir}/ended`, "a");
    for (let n = 0; n <= BUCKET_SIZE; n++) add(dir, index, n);
    assertEquals(index.buckets().map(({ count }) => count), [BUCKET_SIZE, undefined]);
  }));

Deno.test("tickets are put away also while another process seals the bucket", () =>
  withTempDir((dir) => {
    diskFiles.makeFolder(`${dir}/ended`);
    const index = new EndedIndex(diskFiles, `${dir}/ended`, "a");
    add(dir, index, 0);
    const [bucket] = index.buckets();
    const closing = `${dir}/ended/${bucket!.name}!`;
    diskFiles.makeFolder(closing);
    diskFiles.create(`${closing}/1.2`, "");
    for (let n = 1; n <= BUCKET_SIZE; n++) add(dir, index, n);
    const tickets = diskFiles.names(`${dir}/ended`).flatMap((name) =>
      index.tickets(parseBucket(name)!)
    );
    assertEquals(tickets.length, BUCKET_SIZE + 1);
  }));

Deno.test("several processes fill a bucket together, and go on with another when one has sealed it", () =>
  withTempDir((dir) => {
    diskFiles.makeFolder(`${dir}/ended`);
    const indexes = ["a", "b", "c"].map((unique) =>
      new EndedIndex(diskFiles, `${dir}/ended`, unique)
    );
    for (let n = 0; n < 3 * BUCKET_SIZE; n++) add(dir, indexes[n % 3]!, n);
    const [index] = indexes;
    const buckets = index!.buckets();
    assertEquals(
      buckets.reduce((sum, bucket) => sum + index!.tickets(bucket).length, 0),
      3 * BUCKET_SIZE,
    );
    for (const bucket of buckets) {
      if (bucket.count !== undefined) assertEquals(index!.tickets(bucket).length, bucket.count);
    }
    assertEquals(new Set(buckets.map(({ lower }) => lower)).size, buckets.length);
    assertEquals(buckets.length < 6, true, `${buckets.length} buckets`);
  }));
