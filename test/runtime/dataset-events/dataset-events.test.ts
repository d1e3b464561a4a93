import { makeHandler } from '../../../runtime/dataset-events/handler';
import { FakeBus, streamOf } from '../../support/stream-records';
import { builderOf, CATALOGUE } from '../dataset-builder/setting';
import { SIMPLE, simpleFile } from '../intake/simple-files';
import { World } from '../intake/world';

async function published(): Promise<World> {
  const world = new World(SIMPLE);
  const { build } = builderOf(world);
  for (const seed of ['a', 'b']) {
    await world.attempt(world.send(`simple/${seed}.csv`, simpleFile(seed)));
    await build({ dataset: 'simple' });
    await build({ dataset: 'simple' });
  }
  return world;
}

function announcer() {
  const bus = new FakeBus();
  const handler = makeHandler({ bus: 'flights-dev', source: 'ai-workloads', client: bus.client, logger: { error: () => undefined } });
  return { bus, handler };
}

describe('the announcement of a dataset version [D7]', () => {
  test('comes once for each version, with its row and the row key as its id', async () => {
    const world = await published();
    const { bus, handler } = announcer();
    expect(await handler({ Records: streamOf(world.db, CATALOGUE) })).toEqual({ batchItemFailures: [] });
    const rows = world.db.items<{ pk: string }>(CATALOGUE);
    expect(rows).toHaveLength(2);
    expect(bus.details()).toEqual(rows.map(({ pk, ...row }) => ({ eventId: pk, ...row })));
    expect(bus.entries.map(({ DetailType, Source, EventBusName }) => [DetailType, Source, EventBusName])).toEqual(
      Array(2).fill(['Dataset Published', 'ai-workloads', 'flights-dev']),
    );
  });

  test('does not come for a row that is changed or removed', async () => {
    const world = await published();
    const { bus, handler } = announcer();
    const [{ dynamodb }] = streamOf(world.db, CATALOGUE);
    await handler({
      Records: [
        { eventName: 'MODIFY', dynamodb: { ...dynamodb, OldImage: dynamodb!.NewImage } },
        { eventName: 'REMOVE', dynamodb: { OldImage: dynamodb!.NewImage } },
      ],
    });
    expect(bus.entries).toEqual([]);
  });

  test('comes again, with the same id, when the bus refused it', async () => {
    const world = await published();
    const { bus, handler } = announcer();
    const records = streamOf(world.db, CATALOGUE);
    bus.refuse = () => 1;
    expect(await handler({ Records: records })).toEqual({ batchItemFailures: [{ itemIdentifier: records[1].dynamodb!.SequenceNumber }] });
    bus.refuse = () => undefined;
    await handler({ Records: records.slice(1) });
    expect(bus.details<{ eventId: string }>().map(({ eventId }) => eventId)).toEqual(
      world.db.items<{ pk: string }>(CATALOGUE).map(({ pk }) => pk),
    );
  });
});
