import type { ReleaseWorld } from '../release-world';

/** What must hold when a scenario is over. */
export interface Expectation {
  /** The version that serves, and is desired. */
  readonly desired: string | undefined;
  /** How often each version was released since the start of the scenario; versions that are not named were not. */
  readonly released: Record<string, number>;
  /** Updates of the serving stack since the start of the scenario, at most; without it, any number. */
  readonly updates?: number;
  /** Versions that may have been released once meanwhile, or not. */
  readonly maybe?: readonly string[];
  /** What else must hold. It leaves the machine quiet. */
  readonly after?: () => Promise<void>;
}

/** What one scenario did and found. */
export class Book {
  public times = 0;
  public readonly killedIn: Record<string, number> = {};
  public readonly problems: string[] = [];

  constructor(
    public readonly scenario: string,
    private readonly signal: AbortSignal,
  ) {}

  public expect(holds: boolean, otherwise: string): void {
    if (!holds) {
      this.problems.push(otherwise);
    }
  }

  public same(what: string, got: unknown, wanted: unknown): void {
    const [found, expected] = [JSON.stringify(got), JSON.stringify(wanted)];
    this.expect(found === expected, `${what}: got ${found}, wanted ${expected}`);
  }

  public killed(state: string): void {
    this.killedIn[state] = (this.killedIn[state] ?? 0) + 1;
  }

  /** Runs one round of the scenario: waits until all is quiet, and asserts what must hold after any fault. */
  public async round(world: ReleaseWorld, run: () => Promise<Expectation>): Promise<void> {
    this.signal.throwIfAborted();
    await world.quiet();
    const [before, updates] = [await world.released(), await world.updates()];
    const { desired, after, ...wanted } = await run();
    await world.quiet();
    this.times++;
    await after?.();
    this.problems.push(...(await world.problems(desired)));
    const now = await world.released();
    for (const arn of new Set([...Object.keys(now), ...Object.keys(wanted.released)])) {
      const [count, expected] = [(now[arn] ?? 0) - (before[arn] ?? 0), wanted.released[arn] ?? 0];
      const fits = count === expected || (wanted.maybe?.includes(arn) === true && count === expected + 1);
      this.expect(fits, `${short(arn)} was released ${count} times, not ${expected}`);
    }
    if (wanted.updates !== undefined) {
      this.same('updates of the serving stack', (await world.updates()) - updates, wanted.updates);
    }
  }
}

export const short = (arn: string): string => arn.split('/').slice(-2).join('/');
