// The reckoning of a torture of hosts: what the jobs have noted themselves against what the store says
// of them.
import { attemptsBegun, type Job } from "../../../src/queue/job.ts";
import type { LogReader } from "../../../src/queue/logs.ts";
import type { HostsScene } from "./hosts_scene.ts";

/** @returns how attempts ended, and how often */
export async function reckonHosts(scene: HostsScene): Promise<Map<string, number>> {
  const outcomes = new Map<string, number>();
  const store = scene.server.store();
  const reader = await store.openReader();
  const jobs = await Array.fromAsync(reader.list({}));
  const logs = await store.logs();
  const found = new Set(jobs.map(({ id }) => id));
  for (const id of scene.acknowledged) {
    if (!found.has(id)) scene.problem(`${id} was acknowledged, and is gone`);
  }
  for (const job of jobs) {
    reckonJob(scene, job);
    for (const { outcome } of job.history) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    await reckonOutput(scene, logs, job);
  }
  await reader.close();
  return outcomes;
}

function reckonJob(scene: HostsScene, job: Job): void {
  const { id, status: { state }, maxRetries, history } = job;
  const attempts = attemptsBegun(job);
  const wrong = (text: string) => scene.problem(`${id}: ${text}; ${JSON.stringify(history)}`);
  if (!scene.tried.has(id)) wrong("nobody has enqueued it");
  if (!["completed", "dead", "cancelled"].includes(state)) wrong(`is ${state} at the end`);
  if (state === "cancelled" && !scene.cancelled.has(id)) wrong("nobody has cancelled it");
  const notes = notesOf(scene, id);
  if (notesOf(scene, `${id}.overlap`).length > 0) wrong("ran twice at the same time");
  const begun = notes.filter(([word]) => word === "begin").map(([, attempt]) => Number(attempt));
  if (new Set(begun).size !== begun.length) wrong(`one attempt began twice: ${begun}`);
  const known = history.map(({ attempt }) => attempt);
  if (known.length !== attempts || new Set(known).size !== known.length) {
    wrong(`has ${attempts} attempts`);
  }
  for (const attempt of begun) {
    if (!known.includes(attempt)) wrong(`nothing is known of ${attempt}`);
  }
  const counted = history.filter(({ outcome }) => outcome !== "released");
  if (counted.length > 1 + maxRetries) wrong(`was tried ${counted.length} times`);
  const succeeded = history.filter(({ outcome }) => outcome === "succeeded");
  if ((succeeded.length === 1) !== (state === "completed")) wrong(`is ${state}`);
  for (const { attempt } of succeeded) {
    const ended = notes.some((words) => words.join(" ") === `end ${attempt} 0`);
    if (!ended) wrong(`attempt ${attempt} has not succeeded`);
    if (begun.some((other) => other > attempt)) wrong("ran after it had completed");
  }
  for (const { attempt, outcome } of history) {
    const end = notes.find(([word, one]) => word === "end" && Number(one) === attempt)?.[2];
    if (outcome === "failed" && (end === undefined || end === "0")) {
      wrong(`attempt ${attempt} has not failed: ${end}`);
    }
  }
}

/** All that an attempt printed which ended by itself is there. */
async function reckonOutput(scene: HostsScene, logs: LogReader, job: Job): Promise<void> {
  const { id } = job;
  for (const { attempt, outcome } of job.history) {
    if (outcome !== "succeeded" && outcome !== "failed") continue;
    const bytes = await logs.read(id, attempt, 0, 10_000);
    const said = bytes && new TextDecoder().decode(bytes);
    const all = `begin ${id} ${attempt}\nend ${id} ${attempt}\n`;
    if (said !== all) scene.problem(`${id}: attempt ${attempt} has said ${JSON.stringify(said)}`);
  }
}

function notesOf(scene: HostsScene, name: string): string[][] {
  try {
    const text = Deno.readTextFileSync(`${scene.folder}/notes/${name}`);
    return text.trim().split("\n").map((line) => line.split(" "));
  } catch {
    return []; // it has never begun
  }
}
