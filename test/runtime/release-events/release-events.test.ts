import { marshall } from '@aws-sdk/util-dynamodb';
import { makeHandler } from '../../../runtime/release-events/handler';
import { FakeBus } from '../../support/stream-records';

async function told(after: object, before: object = {}): Promise<unknown[]> {
  const bus = new FakeBus();
  const handler = makeHandler({ bus: 'bus', source: 'ai-workloads', client: bus.client, logger: { error: () => undefined } });
  const image = (row: object) => marshall({ model: 'delay', ...row });
  await handler({
    Records: [{ eventName: 'MODIFY', dynamodb: { NewImage: image(after), OldImage: image(before), SequenceNumber: '1' } as never }],
  });
  return bus.entries.map(({ DetailType, Detail }) => [DetailType, JSON.parse(Detail).eventId]);
}

test.each([
  ['Model Released', { entry: 'release#1', state: 'released' }, { entry: 'release#1', state: 'updating' }, 'delay#release#1#released'],
  ['Model Release Failed', { entry: 'release#1', state: 'stuck' }, { entry: 'release#1', state: 'updating' }, 'delay#release#1#stuck'],
  ['Model Release Failed', { entry: 'mark#000002', reason: 'refused', at: 't' }, {}, 'delay#mark#000002#t'],
  ['Model Release Failed', { entry: 'told', reason: 'x', at: 't' }, { entry: 'told', reason: 'y' }, 'delay#told#t'],
])('announces %s for %j', async (type, after, before, id) => {
  expect(await told(after, before)).toEqual([[type, id]]);
});

test.each([
  [
    { entry: 'release#1', state: 'updating' },
    { entry: 'release#1', state: 'recorded' },
  ],
  [
    { entry: 'release#1', state: 'superseded' },
    { entry: 'release#1', state: 'recorded' },
  ],
  [
    { entry: 'release#1', state: 'released', more: 1 },
    { entry: 'release#1', state: 'released' },
  ],
  [{ entry: 'mark#000002', reason: 'failed', at: 't' }, {}],
  [
    { entry: 'told', reason: 'x', at: 'u' },
    { entry: 'told', reason: 'x', at: 't' },
  ],
  [{ entry: 'lease', execution: 'x' }, {}],
])('says nothing of %j', async (after, before) => {
  expect(await told(after, before)).toEqual([]);
});
