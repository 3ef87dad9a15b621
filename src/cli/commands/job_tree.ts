// queuectl job tree.
import { type Awaited, awaitedBy, fateOf } from "../../queue/dependencies.ts";
import { findJob } from "../../queue/find_job.ts";
import type { JobReader } from "../../queue/store.ts";
import { jobTree, type TreeNode } from "../../view/job_tree.ts";
import type { CommandContext } from "../command_context.ts";
import { tableStyle } from "../tables.ts";

/** Shows what a job waits for, and what waits for it. */
export async function treeCommand(call: CommandContext): Promise<void> {
  await call.withReader(async (jobs) => {
    const job = await findJob(jobs, call.args[0]!);
    const awaited = await nodesOf(jobs, { id: job.id, any: false }, upwards, new Set());
    const dependents = await nodesOf(jobs, { id: job.id, any: false }, downwards, new Set());
    call.print(jobTree(job, awaited.children, dependents.children, tableStyle(call.context)));
  });
}

type Next = (jobs: JobReader, id: string) => Promise<readonly Awaited[]>;

const upwards: Next = async (jobs, id) => {
  const job = await jobs.get(id);
  return job === undefined ? [] : awaitedBy(job);
};

const downwards: Next = async (jobs, id) => {
  const ids = (await jobs.dependentsOf(id)).sort();
  return await Promise.all(ids.map(async (other) => {
    const job = await jobs.get(other);
    return { id: other, any: job?.afterAny.includes(id) ?? false };
  }));
};

/** A job that occurs in the tree already is shown again, but without what is below it. */
async function nodesOf(
  jobs: JobReader,
  { id, any }: Awaited,
  next: Next,
  seen: Set<string>,
): Promise<TreeNode> {
  const job = await jobs.get(id);
  const isAgain = seen.has(id);
  seen.add(id);
  const children: TreeNode[] = [];
  for (const other of isAgain ? [] : await next(jobs, id)) {
    children.push(await nodesOf(jobs, other, next, seen));
  }
  const isCut = isAgain && (await next(jobs, id)).length > 0;
  return { id, any, fate: fateOf(job), command: job?.command ?? "", children, isCut };
}
