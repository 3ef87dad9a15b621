// Routes that change all jobs that fit a filter and answer when that is done, and that count them
// before. Those that answer at once are in change_routes.ts.
import { QueueError } from "../queue/errors.ts";
import { json } from "./answer.ts";
import { changeOf, countMeant } from "./bulk.ts";
import { mustBeKnown, objectIn, targetOf } from "./bulk_target.ts";
import { Change, type Verb } from "./changes.ts";
import type { Parts } from "./parts.ts";
import type { Asked, Route } from "./route.ts";
import { ref } from "./schemas.ts";

export const BULK_ROUTES: readonly Route[] = [
  bulk("retry", "Put all ended jobs back that fit"),
  bulk("remove", "Remove all ended jobs that fit, with history and logs"),
  bulk("cancel", "Call all jobs off that fit and have not ended"),
];

function bulk(verb: Verb, summary: string): Route {
  return {
    method: "POST",
    path: `/api/jobs/${verb}`,
    summary,
    body: ref("Bulk"),
    answer: { schema: ref("BulkDone") },
    isLong: true,
    handle: (asked, parts) => answerBulk(verb, asked, parts),
  };
}

async function answerBulk(verb: Verb, { body }: Asked, parts: Parts): Promise<Response> {
  const { filter, ids, dry_run = false, ...unknown } = objectIn("the body", body);
  mustBeKnown("", unknown);
  if (typeof dry_run !== "boolean") throw new QueueError("usage", "dry_run takes true or false");
  const target = targetOf(filter, ids);
  if (dry_run) {
    const counted = await countMeant(parts, verb, target);
    return json({ done: 0, refused: 0, refusals: [], ...counted });
  }
  const change = new Change(verb, target, parts);
  await change.run(changeOf(verb, target, parts));
  return json(change.results());
}
