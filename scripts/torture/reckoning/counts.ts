// What `status` and `list` say in the end adds up, and agrees with the files.
import type { Facts } from "./facts.ts";

const LISTED = ["completed", "dead", "cancelled", "blocked"];

export async function checkCounts({ scene, jobs }: Facts): Promise<void> {
  const ids = new Set(Array.from(jobs.values(), ({ id }) => id));
  const status = JSON.parse((await scene.call(["status", "--json"])).stdout);
  const listed: { id: string; state: string }[] = JSON.parse(
    (await scene.call(["list", "--json"])).stdout,
  );
  if (new Set(listed.map(({ id }) => id)).size !== listed.length) {
    scene.problem("list shows a job twice");
  }
  const counted: Record<string, number> = {};
  for (const { id, state } of listed) {
    counted[state] = (counted[state] ?? 0) + 1;
    if (!ids.has(id)) scene.problem(`list shows ${id}, which the store does not know`);
    if (!LISTED.includes(state)) scene.problem(`job ${id} is ${state} when all is done`);
  }
  for (const [state, count] of Object.entries(status.jobs)) {
    if (count !== (counted[state] ?? 0)) {
      scene.problem(`status says ${count} ${state}, and list has ${counted[state] ?? 0}`);
    }
  }
  const total = Object.values(status.jobs as Record<string, number>).reduce((a, b) => a + b, 0);
  const files = scene.names(`${scene.dataDir}/jobs`).flatMap((folder) =>
    scene.names(`${scene.dataDir}/jobs/${folder}`).filter((name) => name.endsWith(".jsonl"))
  );
  if (total !== files.length) {
    scene.problem(`status counts ${total} jobs, and there are ${files.length} files of jobs`);
  }
  if (status.workers.length > 0) {
    scene.problem(`workers are alive: ${JSON.stringify(status.workers)}`);
  }
}
