// The first words to a server: who one is, and which database; and what the server says of itself, by
// which it may turn out not to be one for queues.
import { QueueError } from "../../queue/errors.ts";
import type { Wire } from "./driver.ts";

export interface Greeting {
  /** What users call the server. */
  readonly name: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** The number of the database. */
  readonly database?: number;
}

/** What a server tells of itself, each as `INFO` names it. */
export type Info = ReadonlyMap<string, string>;

/** The first words: who one is, which database, and what the server is. All in one go. */
export async function greet(
  wire: Wire,
  { name, user, password, database = 0 }: Greeting,
): Promise<Info> {
  const who = password === undefined ? [] : ["AUTH", user ?? "default", password];
  const asked = [
    ["HELLO", "3", ...who, "SETNAME", "queuectl"],
    ...(database === 0 ? [] : [["SELECT", String(database)]]),
    ["INFO"],
  ].map((words) => wire.ask(words));
  const results = await Promise.allSettled(asked);
  const last = results.at(-1);
  if (
    last?.status === "fulfilled" && /^(?:redis|server)_mode:sentinel$/m.test(String(last.value))
  ) {
    throw new QueueError("refused", `Cannot use ${name}: it is a Sentinel`, {
      hint: "Name the master that it watches: ?sentinel=NAME in the URL",
    });
  }
  for (const result of results) {
    if (result.status === "rejected") throw result.reason;
  }
  const { value } = results.at(-1) as PromiseFulfilledResult<unknown>;
  const info = parseInfo(String(value));
  const version = info.get("redis_version") ?? "";
  if (Number.parseFloat(version) < 6.2) {
    throw new QueueError("refused", `Cannot use ${name}: it is Redis ${version}`, {
      hint: "queuectl needs 6.2 or newer",
    });
  }
  refuseEviction(info, name);
  return info;
}

/** What `INFO` returns, or a section of it. */
export function parseInfo(text: string): Info {
  return new Map(
    [...text.matchAll(/^([a-z_0-9]+):(.*?)\r?$/gm)].map(([, key, value]) => [key!, value!]),
  );
}

/** Keys would be gone, and jobs with them. Keys of ours have no time after which they may go. */
function refuseEviction(info: Info, name: string): void {
  const policy = info.get("maxmemory_policy") ?? "noeviction";
  if ((info.get("maxmemory") ?? "0") === "0" || !policy.startsWith("allkeys")) return;
  throw new QueueError(
    "refused",
    `Cannot use ${name}: it would throw away jobs when its memory is full (${policy})`,
    { hint: "Set there: maxmemory-policy noeviction" },
  );
}
