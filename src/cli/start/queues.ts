// The queues that a `start` serves.
import { checkName } from "../../queue/enqueue.ts";
import type { Store } from "../../stores/store.ts";
import { pluralize } from "../../view/pluralize.ts";
import type { Flags } from "../grammar/parse.ts";

/** The names given with --queue; undefined if all are served. @throws QueueError `usage` */
export function queuesIn(flags: Flags): readonly string[] | undefined {
  if (!flags.has("queue")) return undefined;
  const names = flags.texts("queue").flatMap((text) => text.split(",")).map((name) => name.trim());
  for (const name of names) checkName("queue", name);
  return [...new Set(names)].sort();
}

/**
 * The sentence that names the jobs which `start --drain` did not wait for; undefined if there are
 * none.
 */
export async function leftAfterDrain(
  store: Store,
  served: readonly string[] | undefined,
): Promise<string | undefined> {
  let [paused, unserved] = [0, 0];
  for (const queue of await (await store.queues()).list()) {
    if (served?.includes(queue.name) === false) unserved += queue.waiting;
    else if (queue.paused) paused += queue.waiting;
  }
  const parts = [
    ...(paused > 0 ? [`${pluralize(paused, "job")} in paused queues`] : []),
    ...(unserved > 0 ? [`${pluralize(unserved, "job")} in queues that are not served here`] : []),
  ];
  return parts.length === 0 ? undefined : `Left waiting: ${parts.join(", ")}: queuectl queue list`;
}
