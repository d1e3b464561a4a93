import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { AttributeValue, DynamoDBRecord } from 'aws-lambda';
import { RunState } from '../../../lib/constructs/delivery/contract';
import { makeHandler as announcer } from '../../../runtime/training-events/handler';
import { makeHandler } from '../../../runtime/training-record/handler';
import { FakeDynamoDb } from '../../support/fake-dynamodb';

const PLAN = { runId: 'r1', attempt: 2, model: 'delay', datasetId: 'd2', codeRevision: 'c0de' };

async function setting(versionOf: (runId: string) => Promise<string | undefined> = async () => undefined) {
  const dynamo = new FakeDynamoDb();
  const Item = { pk: 'run#r1', state: RunState.RUNNING, attempt: 2, trigger: 'hand', startedAt: 'then', plan: PLAN };
  await dynamo.client.send(new PutCommand({ TableName: 'runs', Item }));
  const measured: string[] = [];
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const run = makeHandler({
    runsTable: 'runs',
    dynamo: dynamo.client,
    versionOf,
    now: () => new Date(0),
    measure: (name) => void measured.push(name),
    logger,
  });
  return { run: (request: object) => run(request as never), row: () => dynamo.items('runs')[0], measured, dynamo };
}

const verdict = { passed: false, reasons: ['worse'], figures: { auc: 0.6 } };
const event = (status: string, input: object | undefined = PLAN) => ({
  detail: { status, input: input && JSON.stringify(input), cause: 'why' },
});

describe('the record of a run [R1]', () => {
  test.each([
    [RunState.REGISTERED, { registered: { packageArn: 'arn:1' } }, { packageArn: 'arn:1' }, 'ModelsRegistered'],
    [RunState.REFUSED, { verdict }, { verdict }, 'CandidatesRefused'],
    [
      RunState.FAILED,
      { error: { Error: 'States.TaskFailed', Cause: 'disk full' } },
      { error: 'States.TaskFailed: disk full' },
      'TrainingRunsFailed',
    ],
  ])('ends it as %s, once, and counts it', async (outcome, end, outputs, metric) => {
    const it = await setting();
    expect(await it.run({ outcome, run: { ...PLAN, ...end } })).toEqual({ recorded: true });
    expect(it.row()).toMatchObject({ state: outcome, endedAt: '1970-01-01T00:00:00.000Z', plan: PLAN, ...outputs });
    expect(await it.run({ outcome: RunState.FAILED, run: PLAN })).toEqual({ recorded: false });
    expect(await it.run(event('FAILED'))).toEqual({ recorded: false });
    expect([it.row().state, it.measured]).toEqual([outcome, [metric]]);
  });

  test.each(['FAILED', 'TIMED_OUT', 'ABORTED'])('ends what the machine could not: execution %s', async (status) => {
    const it = await setting();
    expect(await it.run(event(status))).toEqual({ recorded: true });
    expect(it.row()).toMatchObject({ state: RunState.FAILED, error: `execution ${status}: why` });
    expect(it.measured).toEqual(['TrainingRunsFailed']);
  });

  test.each([
    ['execution ABORTED', event('ABORTED')],
    ['execution TIMED_OUT', event('TIMED_OUT')],
    ['a step that failed', { outcome: RunState.FAILED, run: { ...PLAN, error: { Error: 'Sandbox.Timedout', Cause: 'after 900 s' } } }],
  ])('%s: a run whose version is there has not failed', async (_, request) => {
    const it = await setting(async (runId) => `arn:of/${runId}`);
    expect(await it.run(request)).toEqual({ recorded: true });
    expect(it.row()).toMatchObject({ state: RunState.REGISTERED, packageArn: 'arn:of/r1', endedAt: expect.any(String) });
    expect(it.row()).not.toHaveProperty('error');
    expect(it.measured).toEqual(['ModelsRegistered']);
  });

  test('records a failure also when the registry does not answer: a row that says running could never be repeated', async () => {
    const it = await setting(() => Promise.reject(new Error('Rate exceeded')));
    expect(await it.run(event('ABORTED'))).toEqual({ recorded: true });
    expect(it.row()).toMatchObject({ state: RunState.FAILED, error: 'execution ABORTED: why' });
  });

  test('does not ask the registry about a run that was refused', async () => {
    const it = await setting(() => Promise.reject(new Error('asked')));
    await it.run({ outcome: RunState.REFUSED, run: { ...PLAN, verdict } });
    expect(it.row().state).toBe(RunState.REFUSED);
  });

  test('an ending of an earlier attempt does not end the later one', async () => {
    const it = await setting();
    expect(await it.run(event('ABORTED', { ...PLAN, attempt: 1 }))).toEqual({ recorded: false });
    expect([it.row().state, it.measured]).toEqual([RunState.RUNNING, []]);
  });

  test('a long cause is cut to what a row has room for', async () => {
    const it = await setting();
    await it.run({ outcome: RunState.FAILED, run: { ...PLAN, error: { Error: 'E', Cause: 'x'.repeat(30_000) } } });
    expect((it.row().error as string).length).toBe(2000);
  });

  test('fails on an event without input, which names no run', async () => {
    await expect((await setting()).run({ detail: { status: 'ABORTED' } })).rejects.toThrow('NoInput');
  });
});

describe('the announcement of a run [R1]', () => {
  const change = (image: Record<string, unknown>): DynamoDBRecord => ({
    dynamodb: { SequenceNumber: '1', NewImage: marshall(image, { removeUndefinedValues: true }) as Record<string, AttributeValue> },
  });

  test('tells of each run that ended, and of no other row', async () => {
    const sent: { DetailType: string; Detail: string; Source: string }[] = [];
    const client = {
      send: async ({ input }: { input: { Entries: typeof sent } }) => (sent.push(...input.Entries), { FailedEntryCount: 0 }),
    } as never;
    const run = announcer({ bus: 'bus', source: 'ai-workloads', client, logger: { error: () => undefined } });
    const row = { pk: 'run#r1', attempt: 2, trigger: 'hand', startedAt: 'then', plan: PLAN };
    const Records = [
      change({ pk: 'day#2026-01-01', runs: 1 }),
      change({ ...row, state: 'running' }),
      change({ ...row, state: 'refused', endedAt: 'now', verdict }),
    ];
    expect(await run({ Records })).toEqual({ batchItemFailures: [] });
    expect(sent.map(({ DetailType, Source, Detail }) => ({ DetailType, Source, ...JSON.parse(Detail) }))).toEqual([
      {
        ...{
          DetailType: 'Training Finished',
          Source: 'ai-workloads',
          eventId: 'r1#2#refused',
          version: '1',
          model: 'delay',
          runId: 'r1',
          attempt: 2,
          datasetId: 'd2',
          codeRevision: 'c0de',
        },
        ...{ trigger: 'hand', startedAt: 'then', endedAt: 'now', outcome: 'refused', reasons: ['worse'], figures: { auc: 0.6 } },
      },
    ]);
  });
});
