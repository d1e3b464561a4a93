import { CreateModelPackageGroupCommand } from '@aws-sdk/client-sagemaker';
import { DeleteParameterCommand } from '@aws-sdk/client-ssm';
import type { Registration } from '../release-world';
import type { Scenario } from './arena';
import { nothingApproved, serving } from './causes';

const FOREIGN = 'somebody-elses-models';
const NEIGHBOUR = 'flight-delays-dev-neighbour';

/** Approved or not, none of these may serve. `mark` is what the release table says of those that are of the group. */
const UNACCEPTABLE: { what: string; registration: Registration; mark?: string }[] = [
  { what: 'of a group of somebody else', registration: { group: FOREIGN } },
  { what: 'of a group of another model', registration: { group: NEIGHBOUR } },
  { what: 'with the artefact below no model', registration: { prefix: 'elsewhere' }, mark: 'refused' },
  { what: "with another model's artefact", registration: { prefix: 'versions/delayed' }, mark: 'refused' },
  { what: 'with the artefact where training jobs write', registration: { prefix: 'runs/delay/training' }, mark: 'refused' },
  { what: 'with the artefact in another bucket', registration: { bucket: 'somebody-elses-bucket' }, mark: 'refused' },
  { what: 'without lineage', registration: { lineage: false }, mark: 'refused' },
  { what: 'with an image of nobody', registration: { image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/anything:1' }, mark: 'refused' },
];

/** Versions that are taken away, and versions that must not come. */
export const VERSIONS: Scenario[] = [
  {
    name: 'the version that serves is rejected: the one before serves, and comes back with its approval',
    run: async (arena, book) => {
      const world = await arena.world();
      const before = await serving(world);
      await world.approve(before);
      const version = await world.register();
      await world.approve(version);
      await world.served(version);
      await book.round(world, async () => {
        await world.approve(version, 'Rejected');
        await world.served(before);
        return { desired: before, released: { [before]: 1 }, updates: 1 };
      });
      await book.round(world, async () => {
        await world.approve(version);
        await world.served(version);
        return { desired: version, released: { [version]: 1 }, updates: 1 };
      });
    },
  },
  {
    name: 'the only approved version is rejected: it serves on, and its owner is told',
    run: async (arena, book) => {
      const world = await arena.world();
      await book.round(world, async () => {
        const { wake, outcome } = await nothingApproved(world);
        await wake();
        return outcome;
      });
    },
  },
  {
    name: 'versions that must not serve: other groups, artefacts, images, no lineage, no approval [row 45]',
    run: async (arena, book) => {
      const world = await arena.world();
      const before = await serving(world);
      for (const ModelPackageGroupName of [FOREIGN, NEIGHBOUR]) {
        await world.clients.sageMaker.send(new CreateModelPackageGroupCommand({ ModelPackageGroupName }));
      }
      for (const { what, registration, mark } of UNACCEPTABLE) {
        await book.round(world, async () => {
          const version = await world.register(registration);
          await world.approve(version);
          await world.quiet();
          await world.approve(version); // said twice, it is still refused once
          const after = async () => {
            const rows = await world.rows();
            book.expect(
              mark === undefined || rows.some(({ entry, reason }) => world.marks(entry, version) && reason === mark),
              `${what}: not refused`,
            );
          };
          return { desired: before, released: {}, updates: 0, after };
        });
      }
      for (const approval of ['PendingManualApproval', 'Rejected'] as const) {
        await book.round(world, async () => {
          await world.register({ approval });
          return { desired: before, released: {}, updates: 0 };
        });
      }
    },
  },
  {
    name: 'a version that must not serve hides none that may: the older one is released',
    run: async (arena, book) => {
      const world = await arena.world();
      await serving(world);
      const [good, bad] = [await world.register(), await world.register({ prefix: 'elsewhere' })];
      await book.round(world, async () => {
        await Promise.all([world.approve(bad), world.approve(good)]);
        await world.served(good);
        return { desired: good, released: { [good]: 1 }, updates: 1, after: () => world.marked(bad, 'refused') };
      });
    },
  },
  {
    name: 'the pointer is deleted by hand: it names again what serves',
    short: true,
    run: async (arena, book) => {
      const world = await arena.world();
      const before = await serving(world);
      await book.round(world, async () => {
        await world.clients.ssm.send(new DeleteParameterCommand({ Name: world.parameter }));
        await world.wake();
        return { desired: before, released: {}, updates: 0 };
      });
      await book.round(world, async () => {
        await arena.deploy();
        return { desired: before, released: {} };
      });
    },
  },
  {
    name: 'the pointer is deleted by hand in each state of a release',
    run: async (arena, book) => {
      const world = await arena.world();
      for (const state of ['recorded', 'updating']) {
        await serving(world);
        const version = await world.register();
        await book.round(world, async () => {
          await world.approve(version);
          await world.releasing(version, state);
          await world.clients.ssm.send(new DeleteParameterCommand({ Name: world.parameter })).catch(() => undefined);
          await world.served(version);
          await world.wake();
          return { desired: version, released: { [version]: 1 } };
        });
      }
    },
  },
];
