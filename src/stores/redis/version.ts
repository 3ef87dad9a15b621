// The version of what is kept under the prefix: an older program does not touch what a newer one made.
import { QueueError } from "../../queue/errors.ts";
import type { Redis } from "./connection.ts";
import { VERSION_OF } from "./script_common.ts";

/** Of keys and records: see keys.ts and record.ts. */
const VERSION = 1;

/** @throws QueueError `refused` if what is there is newer than this program, or is not of ours */
export async function ensureVersion(redis: Redis): Promise<void> {
  let version = await redis.again(() => redis.run(VERSION_OF, [])) as string | null;
  if (version === null) {
    await redis.again(() => redis.ask("SETNX", "version", String(VERSION)));
    version = await redis.read("GET", "version") as string;
  }
  if (Number(version) <= VERSION) return;
  throw new QueueError(
    "refused",
    `Cannot use ${redis.name}: its queue was made by a newer queuectl (version ${version}, this ` +
      `one knows ${VERSION})`,
    { hint: "Install that version here, too" },
  );
}
