import { ContinueUpdateRollbackCommand, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { DescribeAlarmsCommand, StateValue } from '@aws-sdk/client-cloudwatch';
import { RELEASES } from '../../../lib/constructs/delivery/contract';
import { NO_VERSION } from '../../../lib/constructs/models/contract';
import { until } from '../programs';
import type { ReleaseWorld } from '../release-world';
import { Arena, PREFIX, Scenario } from './arena';
import type { Book } from './book';
import { serving } from './causes';

const STUCK = 'UPDATE_ROLLBACK_FAILED';

/** The next updates of the endpoint are refused, after some that are not. */
const refused = (world: ReleaseWorld, times: number, after = 0) => [{ endpoint: world.names.endpoint, refuseUpdates: times, after }];

/** The pager: docs/runbooks/delivery.md#release-stuck. */
async function alarm({ clients }: ReleaseWorld, state: StateValue): Promise<void> {
  await until(`${state} of the alarm release-stuck`, 90, async () => {
    const { MetricAlarms = [] } = await clients.cloudWatch.send(new DescribeAlarmsCommand({ AlarmNames: [`${PREFIX}-release-stuck`] }));
    return MetricAlarms[0]?.StateValue === state ? true : undefined;
  });
}

/** What must hold while a person has not come: the machine has said so, and touches nothing however often it is woken. */
async function standsStill(book: Book, world: ReleaseWorld, live: string, version: string): Promise<void> {
  const state = async () => [await world.stackStatus(), await world.live(), await world.pointerHistory(), await world.updates()];
  const was = await state();
  book.same('the status of the stack', was[0], STUCK);
  book.same('the version that serves', was[1], live);
  book.same('how the release ended', (await world.releaseOf(version))?.state, 'stuck');
  await world.marked(version, 'failed');
  for (let wakes = 0; wakes < 2; wakes++) {
    await world.wake();
    await world.quiet();
  }
  await world.toldOf(new RegExp(STUCK));
  book.same('what was there when the machine was woken', await state(), was);
  book.expect((await world.pointer()) !== NO_VERSION, `the pointer says ${NO_VERSION}`);
}

/** What the runbook tells the one on call, once the cause is removed. The endpoint is skipped where the stack would go back to what failed. */
async function repaired(world: ReleaseWorld, skipEndpoint: boolean): Promise<void> {
  const { clients, names } = world;
  const { StackResources = [] } = await clients.cloudFormation.send(new DescribeStackResourcesCommand({ StackName: names.stack }));
  const endpoint = StackResources.find(({ ResourceType }) => ResourceType === 'AWS::SageMaker::Endpoint')!.LogicalResourceId!;
  const ResourcesToSkip = skipEndpoint ? [endpoint] : undefined;
  await clients.cloudFormation.send(new ContinueUpdateRollbackCommand({ StackName: names.stack, ResourcesToSkip }));
  await until('the end of the rollback', 120, async () => ((await world.stackStatus()) === 'UPDATE_ROLLBACK_COMPLETE' ? true : undefined));
  await world.wake();
}

async function nothingTold(book: Book, world: ReleaseWorld): Promise<void> {
  book.same(
    'what the owner is told after the repair',
    (await world.rows()).find(({ entry }) => entry === RELEASES.told),
    undefined,
  );
}

/** A version that does not start is undone, and the way back is refused in both directions. */
async function stuckOnTheWayBack(arena: Arena, book: Book, world: ReleaseWorld, skipEndpoint: boolean): Promise<void> {
  const before = await serving(world);
  const version = await world.register();
  const models = [{ artifact: version, failPing: true }];
  await book.round(world, async () => {
    await arena.faults({ models, endpoints: refused(world, 2, 1) });
    await world.approve(version);
    await world.ended(version);
    book.same('what was to become of the release', (await world.releaseOf(version))?.outcome, 'failed');
    book.same('the pointer', await world.pointer(), before);
    await standsStill(book, world, before, version);
    await arena.faults({ models });
    await repaired(world, skipEndpoint);
    await world.quiet();
    return { desired: before, released: { [before]: 1 }, updates: 3, after: () => nothingTold(book, world) };
  });
  await arena.faults({});
}

/** AWS CloudFormation can go neither on nor back; a person follows docs/runbooks/delivery.md#release-stuck. */
export const STUCK_STACKS: Scenario[] = [
  {
    name: 'a release and its way back are refused: a person is called, nothing is released, and after the repair the newest version serves',
    short: true,
    run: async (arena, book) => {
      const world = await arena.world();
      const before = await serving(world);
      const [version, next] = [await world.register(), await world.register()];
      await book.round(world, async () => {
        await arena.faults({ endpoints: refused(world, 2) });
        await world.approve(version);
        await world.ended(version);
        await standsStill(book, world, before, version);
        await alarm(world, 'ALARM');
        await world.approve(next);
        await world.quiet();
        book.same('the version that serves after another approval', await world.live(), before);
        await arena.faults({});
        await repaired(world, false);
        await world.served(next);
        return { desired: next, released: { [next]: 1 }, updates: 2, after: () => nothingTold(book, world) };
      });
    },
  },
  {
    name: 'a failed release cannot be undone: a person continues the rollback without the endpoint, and what served serves on',
    run: async (arena, book) => {
      const world = await arena.world();
      await stuckOnTheWayBack(arena, book, world, true);
      await alarm(world, 'OK');
    },
  },
  {
    name: 'a failed release cannot be undone: a person forgets to skip the endpoint, and what served serves on',
    run: async (arena, book) => stuckOnTheWayBack(arena, book, await arena.world(), false),
  },
];
