/** How often each is measured. Errors: `InvalidRounds` for anything but a whole number from 1 on: medians of none would be no figures. */
export function roundsIn(given: string | undefined, otherwise: number): number {
  const rounds = Number(given ?? otherwise);
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    throw new Error(
      `InvalidRounds: rounds must be a whole number, at least 1, got '${given}': give it first, or leave it out for ${otherwise}`,
    );
  }
  return rounds;
}

/** Those whose name contains a text. Errors: `NothingToMeasure` with the names when none does: a run that measures nothing holds no bar. */
export function chosenIn<T extends readonly [string, ...unknown[]]>(all: readonly T[], given: string | undefined): readonly T[] {
  const chosen = all.filter(([name]) => name.includes(given ?? ''));
  if (chosen.length === 0) {
    throw new Error(
      `NothingToMeasure: no name contains '${given}': take a part of one of these, or leave it out for all:\n  ${all.map(([name]) => name).join('\n  ')}`,
    );
  }
  return chosen;
}
