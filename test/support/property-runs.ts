/** How often a property is tried: as `npm run properties` says, or as often as `npm test` has time for. */
export const runs = (usual: number): number => Number(process.env.PROPERTY_RUNS ?? usual);

/** How often a property must have seen something, so that it is not tried in name only; fewer runs than usual say nothing about it. */
export const seenAtLeast = (least: number, usual: number): number => (runs(usual) < usual ? 0 : least);

/** Tells `npm run properties` how far a property is, twenty times; otherwise silent. */
export function showProgress(done: number, of: number): void {
  const step = Math.max(1, Math.floor(of / 20));
  if (process.env.PROPERTY_PROGRESS !== undefined && (done % step === 0 || done === of)) {
    process.stderr.write(`  ${done} of ${of} runs\n`);
  }
}
