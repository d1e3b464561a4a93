import type { Scenario } from './arena';

/** Nothing is done to it: how a release goes, and what every other scenario begins with. */
export const UNHARMED: Scenario[] = [
  {
    name: 'nothing goes wrong: the first and the second version are released',
    short: true,
    run: async (arena, book) => {
      const world = await arena.world();
      for (const updates of [1, 1]) {
        const version = await world.register();
        await book.round(world, async () => {
          await world.approve(version);
          await world.served(version);
          return { desired: version, released: { [version]: 1 }, updates };
        });
      }
    },
  },
];
