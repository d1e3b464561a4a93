import type { DynamoDBRecord } from 'aws-lambda';
import { makeHandler } from '../../../runtime/prediction-events/handler';
import { requestBody, setting } from '../prediction-books/setting';

type Entry = { DetailType: string; Detail: string; EventBusName: string; Source: string };

/** The stream that the table would show, from what really happened to the books. */
async function stream(): Promise<DynamoDBRecord[]> {
  const s = setting();
  await s.infer(requestBody({ id: 'a' }));
  await s.infer(requestBody({ id: 'b' }));
  await s.feedback('a', { outcome: false, observed_at: '2013-04-01T06:00:00Z' });
  s.clock.at = new Date('2013-04-10T00:00:00Z');
  await s.expire();
  const image = (item?: Record<string, unknown>) =>
    item && Object.fromEntries(Object.entries(item).map(([name, v]) => [name, typeof v === 'boolean' ? { BOOL: v } : { S: String(v) }]));
  return s.db.changes.map(({ before, after }, i) => ({
    eventName: before ? 'MODIFY' : 'INSERT',
    dynamodb: { SequenceNumber: String(100 + i), OldImage: image(before), NewImage: image(after) },
  }));
}

function publisher(answer: (entries: Entry[]) => object = () => ({ FailedEntryCount: 0 })) {
  const sent: Entry[] = [];
  const send = async ({ input }: { input: { Entries: Entry[] } }) => {
    const result = answer(input.Entries);
    sent.push(...input.Entries);
    return result;
  };
  const handler = makeHandler({ bus: 'flights-dev', client: { send: send as never }, logger: { error: () => undefined } });
  return { handler, sent };
}

describe('events of the books [I4]', () => {
  test('follow the committed changes, in order, in the documented form', async () => {
    const { handler, sent } = publisher();
    expect(await handler({ Records: await stream() })).toEqual({ batchItemFailures: [] });
    expect(sent.map(({ DetailType, Source, EventBusName }) => [DetailType, Source, EventBusName])).toEqual([
      ['Prediction Made', 'ai-workloads', 'flights-dev'],
      ['Prediction Made', 'ai-workloads', 'flights-dev'],
      ['Prediction Labelled', 'ai-workloads', 'flights-dev'],
      ['Prediction Expired', 'ai-workloads', 'flights-dev'],
    ]);
    const [made, , labelled, expired] = sent.map(({ Detail }) => JSON.parse(Detail));
    expect(made).toEqual({
      version: '1',
      eventId: 'delay/a/open',
      model: 'delay',
      predictionId: 'a',
      state: 'open',
      endpoint: 'flights-dev-delay',
      variant: 'AllTraffic',
      madeAt: '2013-04-01T04:00:00.000Z',
      eventTime: '2013-04-01T04:00:00.000Z',
      expiresAt: '2013-04-03T04:00:00.000Z',
      decision: true,
      requestSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      correlationId: 'correlation-1',
    });
    expect(labelled).toMatchObject({ eventId: 'delay/a/labelled', outcome: false, observedAt: '2013-04-01T06:00:00.000Z' });
    expect(expired).toMatchObject({ eventId: 'delay/b/expired', expiredAt: '2013-04-10T00:00:00.000Z' });
  });

  test('are delivered again from the first one that the bus refused, with the same ids', async () => {
    let refuse = true;
    const { handler, sent } = publisher((entries) =>
      refuse
        ? { FailedEntryCount: 1, Entries: entries.map((_, i) => (i === 2 ? { ErrorCode: 'ThrottlingException' } : { EventId: 'x' })) }
        : { FailedEntryCount: 0 },
    );
    const Records = await stream();
    expect(await handler({ Records })).toEqual({ batchItemFailures: [{ itemIdentifier: '102' }] });
    refuse = false;
    const first = sent.splice(0).map(({ Detail }) => JSON.parse(Detail).eventId);
    expect(await handler({ Records: Records.slice(2) })).toEqual({ batchItemFailures: [] });
    expect(sent.map(({ Detail }) => JSON.parse(Detail).eventId)).toEqual(first.slice(2));
  });

  test('are delivered again when the bus does not answer at all', async () => {
    const { handler } = publisher(() => {
      throw new Error('no answer');
    });
    expect(await handler({ Records: await stream() })).toEqual({ batchItemFailures: [{ itemIdentifier: '100' }] });
  });

  test('go out in calls of at most ten', async () => {
    const sizes: number[] = [];
    const { handler } = publisher((entries) => {
      sizes.push(entries.length);
      return { FailedEntryCount: 0 };
    });
    const [record] = await stream();
    await handler({ Records: Array.from({ length: 23 }, () => record) });
    expect(sizes).toEqual([10, 10, 3]);
  });

  test('are not made of changes that leave the state alone, nor of removals', async () => {
    const { handler, sent } = publisher();
    const [record] = await stream();
    const image = record.dynamodb!.NewImage;
    await handler({
      Records: [
        { ...record, dynamodb: { OldImage: image, NewImage: image } },
        { ...record, dynamodb: { OldImage: image } },
      ],
    });
    expect(sent).toEqual([]);
  });
});
