/** A figure of the simulator beside what it must be. */
export interface Check {
  readonly name: string;
  /** What theory, or somebody's measurement, says. */
  readonly expected: number;
  readonly simulated: number;
  /** Largest distance from `expected`, as a share of it. */
  readonly tolerance: number;
  readonly unit: string;
  /** Where `expected` comes from. */
  readonly source: string;
}

/** How far a figure is from what it must be, as a share of that. */
export const deviation = ({ expected, simulated }: Check): number => Math.abs(simulated / expected - 1);

export const holds = (check: Check): boolean => deviation(check) <= check.tolerance;
