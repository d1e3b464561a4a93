import { CreateModelPackageGroupCommand, DescribeEndpointCommand } from '@aws-sdk/client-sagemaker';
import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import { approvedParameter } from '../../../lib/constructs/models/contract';
import type { ReleaseWorld } from '../release-world';
import { Arena, Scenario } from './arena';
import { serving } from './causes';

const OTHER = { workload: 'other-delays', prefix: 'other-delays-dev' };

/** A config in which another person is to be called: every resource of that owner gets another tag. */
const otherContact = (arena: Arena, contact: string): string =>
  arena.config('contact', (document) => document.setIn(['teams', 'ml-platform', 'contact'], contact));

/** What must not change when tags do. */
async function untouched(world: ReleaseWorld) {
  const endpoint = await world.clients.sageMaker.send(new DescribeEndpointCommand({ EndpointName: world.names.endpoint }));
  return {
    history: await world.pointerHistory(),
    config: endpoint.EndpointConfigName,
    created: endpoint.CreationTime,
    live: await world.live(),
  };
}

/** Why a deployment failed; undefined when it did not. */
async function failure(deployment: Promise<void>): Promise<string | undefined> {
  return deployment.then(
    () => undefined,
    (error: Error) => error.message,
  );
}

/** Deployments by people, and releases by the machine, of the same stacks. */
export const DEPLOYMENTS: Scenario[] = [
  {
    name: 'cdk deploy --all of other tags during a release [row 72]',
    run: async (arena, book) => {
      const world = await arena.world();
      await serving(world);
      await arena.synthesize(otherContact(arena, 'during-a-release@example.com'));
      const version = await world.register();
      await book.round(world, async () => {
        await world.approve(version);
        await world.releasing(version, 'updating');
        const failed = await failure(arena.deploy());
        if (failed !== undefined) {
          book.expect(/IN_PROGRESS|in progress/i.test(failed), `the deployment failed for another reason than the release: ${failed}`);
          await world.served(version);
          await arena.deploy();
        }
        await world.served(version);
        return { desired: version, released: { [version]: 1 } };
      });
    },
  },
  {
    name: 'a release during cdk deploy --all of other tags',
    run: async (arena, book) => {
      const world = await arena.world();
      for (const delay of [0, 800, 2000]) {
        await serving(world);
        await arena.synthesize(otherContact(arena, `after-${delay}@example.com`));
        const version = await world.register();
        await book.round(world, async () => {
          const deployment = failure(arena.deploy());
          await new Promise((resolve) => setTimeout(resolve, delay));
          await world.approve(version);
          const failed = await deployment;
          book.expect(failed === undefined || /IN_PROGRESS|in progress/i.test(failed), `the deployment failed: ${failed}`);
          await world.served(version);
          return { desired: version, released: { [version]: 1 } };
        });
      }
    },
  },
  {
    name: 'owner tags change and everything is deployed again: pointer and endpoint stay as they are',
    run: async (arena, book) => {
      const world = await arena.world();
      const before = await serving(world);
      await arena.synthesize(otherContact(arena, 'somebody-new@example.com'));
      await book.round(world, async () => {
        const was = await untouched(world);
        await arena.deploy();
        book.same('pointer and endpoint', await untouched(world), was);
        return { desired: before, released: {} };
      });
    },
  },
  {
    name: 'nothing changes and everything is deployed again: no stack is updated',
    run: async (arena, book) => {
      const world = await arena.world();
      const before = await serving(world);
      await book.round(world, async () => {
        const was = await untouched(world);
        await arena.deploy();
        book.same('pointer and endpoint', await untouched(world), was);
        return { desired: before, released: {}, updates: 0 };
      });
    },
  },
];

/** Another workload in the same account: the last of it, because outputs of both have the same names. */
export const ADOPTION: Scenario[] = [
  {
    name: 'the model stack fails after it adopted a pointer: the pointer stays',
    run: async (arena, book) => {
      const [Name, Value] = [
        approvedParameter(OTHER.prefix, 'delay'),
        `arn:aws:sagemaker:us-east-1:000000000000:model-package/${OTHER.prefix}-delay/7`,
      ];
      await arena.clients.ssm.send(new PutParameterCommand({ Name, Value, Type: 'String' }));
      await arena.clients.sageMaker.send(new CreateModelPackageGroupCommand({ ModelPackageGroupName: `${OTHER.prefix}-delay` }));
      await arena.synthesize(
        arena.config('other', (document) => {
          document.set('workload', OTHER.workload);
          document.set('apiGatewayLoggingRole', 'none');
        }),
      );
      const failed = await failure(arena.deploy());
      book.times++;
      book.expect(failed?.includes(`${OTHER.prefix}-model-delay`) === true, `the model stack did not fail: ${failed}`);
      const { Parameter } = await arena.clients.ssm.send(new GetParameterCommand({ Name }));
      book.same('the pointer', { value: Parameter?.Value, version: Parameter?.Version }, { value: Value, version: 1 });
    },
  },
];
