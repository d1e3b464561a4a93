import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DescribeEndpointConfigCommand, DescribeEndpointCommand } from '@aws-sdk/client-sagemaker';
import { CAPACITY } from '../../support/isolated-config';
import type { ReleaseWorld } from '../release-world';
import { Arena, Scenario } from './arena';
import { serving } from './causes';

const [SMALL, LARGE] = ['ml.m5.large', 'ml.m5.xlarge'];

/** A copy of the dev config with an instance type, that scales or does not. */
function fleet(arena: Arena, instance: string, scales: boolean): string {
  return arena.config(`fleet-${instance}-${scales}`, (document) => {
    document.setIn(['endpoints', 'delay', 'instance'], instance);
    if (scales) {
      const capacity = join(arena.account.stateDir, `capacity-${instance}.json`);
      writeFileSync(capacity, JSON.stringify({ ...CAPACITY, instance }));
      document.setIn(['endpoints', 'delay', 'scaling'], { min: 1, max: 2, capacity });
    }
  });
}

async function instanceOf({ clients: { sageMaker }, names }: ReleaseWorld): Promise<string | undefined> {
  const { EndpointConfigName } = await sageMaker.send(new DescribeEndpointCommand({ EndpointName: names.endpoint }));
  const { ProductionVariants = [] } = await sageMaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName }));
  return ProductionVariants[0].InstanceType;
}

/** After these the endpoint has another size. */
export const SCALING: Scenario[] = [
  {
    name: 'the instance type changes under scaling: the deployment says so, releases go on, three steps do it [row 71]',
    run: async (arena, book) => {
      const world = await arena.world();
      const before = await serving(world);
      await arena.redeploy(fleet(arena, SMALL, true));
      await book.round(world, async () => {
        const failed = await arena.redeploy(fleet(arena, LARGE, true)).then(
          () => 'nothing',
          (error: Error) => error.message,
        );
        book.expect(/automatic scaling/.test(failed), `the deployment said ${failed}`);
        book.same('the status of the stack', await world.stackStatus(), 'UPDATE_ROLLBACK_COMPLETE');
        book.same('the instance type', await instanceOf(world), SMALL);
        return { desired: before, released: {} };
      });
      const version = await world.register();
      await book.round(world, async () => {
        await world.approve(version);
        await world.served(version);
        return { desired: version, released: { [version]: 1 }, updates: 1 };
      });
      for (const [instance, scales] of [
        [SMALL, false],
        [LARGE, false],
        [LARGE, true],
      ] as const) {
        await book.round(world, async () => {
          await arena.redeploy(fleet(arena, instance, scales));
          book.same('the instance type', await instanceOf(world), instance);
          return { desired: version, released: {}, updates: 1 };
        });
      }
    },
  },
];
