// What a torture says at its end.
import type { Figures } from "./reckoning/reckoning.ts";
import type { Scene } from "./scene.ts";
import type { TortureOptions } from "./torture.ts";

export function reportOf(
  scene: Scene,
  { minutes, seed, keep }: TortureOptions,
  figures: Figures | undefined,
  seconds: number,
): string {
  const lines = [
    `torture: ${minutes} minutes, seed ${seed}${
      scene.canSetClock ? "" : " (a build: the clock is left alone)"
    }`,
    `  jobs acknowledged ${scene.ledger.acknowledged.size}, batches ${scene.ledger.batches.length}`,
  ];
  if (figures !== undefined) {
    lines.push(
      `  runs ${figures.runs} (${(figures.runs / seconds).toFixed(1)} a second over ${
        seconds.toFixed(0)
      } s), ` +
        `attempts in histories ${figures.attempts}, lost ${figures.lost}`,
      `  outcomes ${
        Object.entries(figures.byOutcome).map(([name, n]) => `${name} ${n}`).join(", ")
      }`,
      `  put to the test: ${listed(figures.tested)}`,
    );
  }
  const { longest, waits, claims, openings } = scene.watched;
  lines.push(
    `  longest wait of a due job beside a free worker ${(longest / 1000).toFixed(2)} s ` +
      `(${waits} looks at such), claims whose order was checked ${claims}, ` +
      `looks at queues with room ${openings}`,
  );
  lines.push(`  done to it: ${listed(scene.tally)}`);
  const again = `deno task torture --minutes ${minutes} --seed ${seed}`;
  return [...lines, ...verdictOf(scene, again, keep)].join("\n") + "\n";
}

/** The last lines: what is wrong, how to do it again, and where to look. */
export function verdictOf(
  { problems, folder }: { readonly problems: readonly string[]; readonly folder: string },
  again: string,
  keep: boolean,
): string[] {
  const failed = problems.length > 0;
  return [
    ...problems.slice(0, 50).map((problem) => `  WRONG: ${problem}`),
    ...(problems.length > 50 ? [`  … and ${problems.length - 50} more`] : []),
    ...(failed ? [`  again: ${again}`] : []),
    ...(failed || keep ? [`  kept: ${folder} (torture.log tells what was done, and when)`] : []),
    failed ? "torture: FAILED" : "torture: all accounted for",
  ];
}

/** How often each happened. */
export function listed(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([a], [b]) => a < b ? -1 : 1);
  return sorted.map(([what, n]) => `${what} ${n}`).join(", ");
}
