// Rounds in which everybody has a turn. Machines are noisy, and what comes first in a round may be
// favoured, so the order changes from round to round, and only what was measured in the same round
// is compared.

/**
 * The order of a round: rotated by one each time, and the other way round once each has been the
 * first.
 */
export function orderOf<T>(contenders: readonly T[], round: number): T[] {
  const count = Math.max(contenders.length, 1);
  const start = round % count;
  const rotated = [...contenders.slice(start), ...contenders.slice(0, start)];
  return Math.floor(round / count) % 2 === 0 ? rotated : rotated.toReversed();
}

/**
 * Runs all contenders once a round.
 * @param warmUp whether a round goes before that is not counted, to fill the caches
 * @returns what each gave, in the order of the rounds
 */
export async function inTurns<Name extends string, Sample>(
  rounds: number,
  contenders: Readonly<Record<Name, () => Promise<Sample>>>,
  { warmUp = false, told = () => {} }: { warmUp?: boolean; told?: (round: number) => void } = {},
): Promise<Record<Name, Sample[]>> {
  const names = Object.keys(contenders) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    Sample[]
  >;
  for (let round = warmUp ? -1 : 0; round < rounds; round++) {
    told(round);
    for (const name of orderOf(names, Math.max(round, 0))) {
      const sample = await contenders[name]();
      if (round >= 0) samples[name].push(sample);
    }
  }
  return samples;
}
