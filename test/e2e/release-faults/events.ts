import type { Scenario } from './arena';
import { serving } from './causes';

const APPROVALS = /Approvals/;

/** Events come twice, in another order, or not at all; people act at the same time. */
export const EVENTS: Scenario[] = [
  {
    name: 'each event comes five times',
    run: async (arena, book) => {
      const world = await arena.world();
      await serving(world);
      const version = await world.register();
      await book.round(world, async () => {
        await arena.faults({ eventCopies: 5 });
        await world.approve(version);
        await world.served(version);
        return { desired: version, released: { [version]: 1 }, updates: 1 };
      });
    },
  },
  {
    name: 'approvals in another order: six late wakes at once for two versions and a rejection',
    run: async (arena, book) => {
      const world = await arena.world();
      await serving(world);
      const [older, newer, rejected] = [await world.register(), await world.register(), await world.register()];
      await book.round(world, async () => {
        book.expect((await arena.rules(APPROVALS, false)) === 1, 'there is not one rule for approvals');
        await world.approve(rejected);
        await world.approve(newer);
        await world.approve(older);
        await world.approve(rejected, 'Rejected');
        const inputs = [{ model: 'delay' }, { group: world.names.group }, { model: 'delay' }];
        await Promise.all([...inputs, ...inputs].map((input) => world.wake(input)));
        await world.served(newer);
        await arena.rules(APPROVALS, true);
        return { desired: newer, released: { [newer]: 1 }, updates: 1 };
      });
    },
  },
  {
    name: 'the event of an approval is lost: the hourly look finds it',
    run: async (arena, book) => {
      const world = await arena.world();
      const before = await serving(world);
      const version = await world.register();
      await book.round(world, async () => {
        await arena.rules(APPROVALS, false);
        await world.approve(version);
        await new Promise((resolve) => setTimeout(resolve, 1500));
        book.same('the version that serves after the lost event', await world.live(), before);
        book.expect((await arena.rules(/Reconcile/, true)) === 1, 'there is not one rule of the clock');
        await world.served(version);
        await arena.rules(/Reconcile/, false);
        await arena.rules(APPROVALS, true);
        return { desired: version, released: { [version]: 1 }, updates: 1 };
      });
    },
  },
  {
    name: 'two approvals at once',
    run: async (arena, book) => {
      const world = await arena.world();
      for (let round = 0; round < 2; round++) {
        await serving(world);
        const [older, newer] = [await world.register(), await world.register()];
        await book.round(world, async () => {
          await Promise.all([world.approve(older), world.approve(newer)]);
          await world.served(newer);
          return { desired: newer, released: { [newer]: 1 }, maybe: [older] };
        });
      }
    },
  },
  {
    name: 'an approval during a release',
    short: true,
    run: async (arena, book) => {
      const world = await arena.world();
      await serving(world);
      const [first, second] = [await world.register(), await world.register()];
      await book.round(world, async () => {
        await world.approve(first);
        await world.releasing(first, 'updating');
        await world.approve(second);
        await world.served(second);
        return { desired: second, released: { [first]: 1, [second]: 1 }, updates: 2 };
      });
    },
  },
  {
    name: 'a version is rejected while it is released: what served before serves again',
    run: async (arena, book) => {
      const world = await arena.world();
      for (const state of ['recorded', 'updating']) {
        const before = await serving(world);
        const version = await world.register();
        await book.round(world, async () => {
          await world.approve(version);
          await world.releasing(version, state);
          await world.approve(version, 'Rejected');
          return { desired: before, released: {}, maybe: [version, before] };
        });
      }
    },
  },
];
