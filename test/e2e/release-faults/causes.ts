import type { ReleaseWorld } from '../release-world';
import type { Arena } from './arena';
import type { Expectation } from './book';

/** Something that wakes the release machine, and what must have become of it when all is quiet. */
export interface Cause {
  wake(): Promise<void>;
  readonly outcome: Expectation;
}

/** The version that serves; the first scenario has released one. Errors: none serves. */
export async function serving(world: ReleaseWorld): Promise<string> {
  const live = await world.live();
  if (live === undefined) {
    const first = await world.register();
    await world.approve(first);
    await world.served(first);
    return first;
  }
  return live;
}

/** A good version is approved and must serve, after one update. */
export async function goodRelease(world: ReleaseWorld): Promise<Cause> {
  await serving(world);
  const version = await world.register();
  return {
    wake: () => world.approve(version),
    outcome: { desired: version, released: { [version]: 1 }, updates: 1 },
  };
}

/** A version whose containers fail their health check is approved: what served before must serve again. */
export async function brokenRelease(world: ReleaseWorld, arena: Arena): Promise<Cause> {
  const before = await serving(world);
  const version = await world.register();
  await arena.faults({ models: [{ artifact: version, failPing: true }] });
  return {
    wake: () => world.approve(version),
    outcome: { desired: before, released: {}, after: () => world.marked(version, 'failed') },
  };
}

/** A version whose artefact lies outside the allowed prefix is approved. */
export async function refusedRelease(world: ReleaseWorld): Promise<Cause> {
  const before = await serving(world);
  const version = await world.register({ prefix: 'elsewhere' });
  return {
    wake: () => world.approve(version),
    outcome: { desired: before, released: {}, updates: 0, after: () => world.marked(version, 'refused') },
  };
}

/** Every approved version is rejected: what serves goes on, and its owner is told. */
export async function nothingApproved(world: ReleaseWorld): Promise<Cause> {
  const before = await serving(world);
  const others = (await world.approved()).filter((arn) => arn !== before);
  await world.quiet();
  for (const arn of others) {
    await world.approve(arn, 'Rejected');
  }
  await world.quiet();
  return {
    wake: () => world.approve(before, 'Rejected'),
    outcome: {
      desired: before,
      released: {},
      updates: 0,
      after: async () => {
        await world.toldOf(/no version is approved/);
        await world.approve(before);
        await world.quiet();
      },
    },
  };
}
