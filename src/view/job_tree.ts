// The tree of `job tree`: what a job waits for, and what waits for it.
import type { Fate } from "../queue/dependencies.ts";
import type { Job } from "../queue/job.ts";
import { oneLine } from "./escape.ts";
import { type Paint, STATE_COLOURS } from "./style.ts";
import type { TableStyle } from "./table.ts";

export interface TreeNode {
  readonly id: string;
  readonly fate: Fate;
  readonly command: string;
  /** Whether the job that is waited for may end in any way. */
  readonly any: boolean;
  readonly children: readonly TreeNode[];
  /** Whether its children are shown elsewhere in the tree. */
  readonly isCut: boolean;
}

/** The tree of a job. */
export function jobTree(
  job: Job,
  awaited: readonly TreeNode[],
  dependents: readonly TreeNode[],
  { paint }: TableStyle,
): string {
  const branches = [
    { title: "waits for", nodes: awaited },
    { title: "awaited by", nodes: dependents },
  ].filter(({ nodes }) => nodes.length > 0);
  const lines = [lineOf(job.id, job.status.state, job.command, paint)];
  if (branches.length === 0) {
    lines.push(paint("It waits for no other job, and no job waits for it", "dim"));
  }
  branches.forEach(({ title, nodes }, i) => {
    const isLast = i === branches.length - 1;
    lines.push(`${isLast ? "└─" : "├─"} ${paint(title, "bold")}`);
    for (const line of linesOf(nodes, isLast ? "   " : "│  ", paint)) lines.push(line);
  });
  return lines.map((line) => `${line}\n`).join("");
}

/**
 * Without recursion and spread arguments, since chains may be thousands of jobs deep, and trees as
 * wide.
 */
function* linesOf(nodes: readonly TreeNode[], indent: string, paint: Paint): Iterable<string> {
  const open = [{ nodes, indent, next: 0 }];
  while (open.length > 0) {
    const level = open.at(-1)!;
    const node = level.nodes[level.next++];
    if (node === undefined) {
      open.pop();
      continue;
    }
    const { id, fate, command, any, children, isCut } = node;
    const isLast = level.next === level.nodes.length;
    const more = (any ? " (--after-any)" : "") + (isCut ? ", see above" : "");
    yield `${level.indent}${isLast ? "└─" : "├─"} ${lineOf(id, fate, command, paint, more)}`;
    open.push({ nodes: children, indent: `${level.indent}${isLast ? "   " : "│  "}`, next: 0 });
  }
}

function lineOf(id: string, fate: Fate, command: string, paint: Paint, more = ""): string {
  const state = fate === "removed" ? paint(fate, "dim") : paint(fate, STATE_COLOURS[fate]);
  return `${id}  ${state}${more}${command === "" ? "" : `  ${oneLine(command)}`}`;
}
