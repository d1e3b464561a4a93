import { createHash } from 'node:crypto';
import { ExecutionAlreadyExists } from '@aws-sdk/client-sfn';
import { ParameterNotFound } from '@aws-sdk/client-ssm';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { PipelineSettings, RunRow, RunState, TrainingPlan, TrainingTrigger } from '../../../lib/constructs/delivery/contract';
import { evaluationInputs, newestOf, planOf, runIdOf } from '../../../runtime/training-trigger/core';
import { CurrentAnswer, makeHandler, TriggerAnswer } from '../../../runtime/training-trigger/handler';
import { DynamoDbFailure, FakeDynamoDb } from '../../support/fake-dynamodb';
import { aboutVersions, RunVersion, sageMakerOf } from '../../support/fake-registry';

const SETTINGS: PipelineSettings = {
  ...{ prefix: 'air-dev', model: 'delay', dataset: 'flights', manifests: 'validated', bucket: 'artifacts', program: 'train.py' },
  codeRevision: 'c0de',
  codeUri: 's3://assets/c0de.tar.gz',
  evaluateUri: 's3://assets/e.py',
  parameters: { depth: '4', rate: '0.1' },
  maximumRunsPerDay: 4,
  jobPrefix: 'air-dev-delay',
};
const HAND = { trigger: TrainingTrigger.HAND };

const version = (id: string, publishedAt: string) => ({
  pk: `flights#${id}`,
  id,
  dataset: 'flights',
  publishedAt,
  manifest: `datasets/flights/${id}.json`,
  manifestVersion: `v-${id}`,
});

/** A pipeline of its own with a catalogue of two versions, d2 the newer; executions are named as AWS Step Functions names them. */
async function pipeline(given: Partial<PipelineSettings> = {}) {
  const dynamo = new FakeDynamoDb();
  for (const Item of [
    version('d2', '2013-05-01'),
    version('d1', '2013-04-01'),
    { ...version('x', '2014-01-01'), pk: 'trains#x', dataset: 'trains' },
  ]) {
    await dynamo.client.send(new PutCommand({ TableName: 'catalogue', Item }));
  }
  const executions = new Map<string, { input: string; ended: boolean }>();
  const world = {
    now: '2026-01-01T10:00:00.000Z',
    approved: undefined as string | undefined,
    failStart: false,
    package: {} as object,
    versions: [] as RunVersion[],
    limits: 0,
    registered: 0,
    asked: [] as string[],
  };
  const start = ({ name, input }: { name: string; input: string }) => {
    const known = executions.get(name);
    if (world.failStart) {
      throw new Error('connection reset');
    }
    if (known !== undefined && (known.ended || known.input !== input)) {
      throw new ExecutionAlreadyExists({ message: name, $metadata: {} });
    }
    executions.set(name, { input, ended: false });
    return {};
  };
  const client = (answer: (input: never) => object) => ({ send: async ({ input }: { input: never }) => answer(input) }) as never;
  const run = makeHandler({
    settings: { ...SETTINGS, ...given },
    ...{ runsTable: 'runs', catalogue: 'catalogue', stateMachine: 'arn:machine', dynamo: dynamo.client },
    executions: client(start),
    parameters: client(({ Name }: { Name: string }) => {
      world.asked.push(Name);
      if (world.approved === undefined) {
        throw new ParameterNotFound({ message: Name, $metadata: {} });
      }
      return { Parameter: { Value: world.approved } };
    }),
    registry: sageMakerOf((command, input) => aboutVersions(world.versions, command, input) ?? world.package),
    now: () => new Date(world.now),
    measure: (name) => {
      world.limits += name === 'TrainingRunsOverLimit' ? 1 : 0;
      world.registered += name === 'ModelsRegistered' ? 1 : 0;
    },
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const rows = () => dynamo.items<RunRow & { pk: string }>('runs').filter(({ pk }) => pk.startsWith('run#'));
  const end = async (state: RunState) => {
    for (const { pk } of rows()) {
      const Update = {
        TableName: 'runs',
        Key: { pk },
        UpdateExpression: 'SET #s = :s',
        ExpressionAttributeNames: { '#s': 'state' },
        ExpressionAttributeValues: { ':s': state },
      };
      await dynamo.client.send(new UpdateCommand(Update));
    }
    executions.forEach((execution) => (execution.ended = true));
  };
  return {
    dynamo,
    executions,
    world,
    rows,
    end,
    start: (request: object = HAND) => run(request as never) as Promise<TriggerAnswer>,
    current: (plan: TrainingPlan) => run({ current: plan }) as Promise<CurrentAnswer>,
  };
}

describe('identity of a run [R1]', () => {
  const INPUTS = { dataset: 'd', code: 'c', parameters: { a: '1', b: '2' } };

  test('is dataset, code, features and parameters, in whatever order they are written', () => {
    const id = runIdOf(INPUTS);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(runIdOf({ ...INPUTS, parameters: { b: '2', a: '1' } })).toBe(id);
    const others = [{ dataset: 'e' }, { code: 'x' }, { parameters: { a: '1', b: '3' } }, { featuresSha256: 'f' }];
    expect(new Set([id, ...others.map((other) => runIdOf({ ...INPUTS, ...other }))]).size).toBe(5);
  });

  test('without features says nothing of them', () => {
    const text = '{"code":"c","dataset":"d","parameters":{"a":"1","b":"2"}}';
    expect(runIdOf(INPUTS)).toBe(createHash('sha256').update(text).digest('hex'));
  });

  test('the newest dataset is the one published last', () => {
    expect(newestOf([version('a', '2013-01-02'), version('b', '2013-01-03'), version('c', '2013-01-01')])!.id).toBe('b');
    expect(newestOf([])).toBeUndefined();
    const withdrawn = { ...version('d', '2013-01-04'), withdrawal: 'w' };
    expect(newestOf([version('a', '2013-01-02'), withdrawn])!.id).toBe('a');
    expect(newestOf([withdrawn])).toBeUndefined();
  });

  test('jobs have names that SageMaker takes, new ones for each attempt, and checkpoints that all attempts share', () => {
    const plan = (attempt: number) =>
      planOf(
        { ...SETTINGS, jobPrefix: 'x'.repeat(35) },
        { dataset: version('d', '2013'), parameters: {}, runId: 'f'.repeat(64), attempt, candidateNumber: 1 },
      );
    const [one, two] = [plan(9999), plan(2)];
    Object.values(one.jobs).forEach((name) => expect(name).toMatch(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/));
    expect(new Set([...Object.values(one.jobs), ...Object.values(two.jobs)]).size).toBe(6);
    expect(one.uris.checkpoints).toBe(two.uris.checkpoints);
    expect(one.uris.candidate).not.toBe(two.uris.candidate);
  });
});

describe('the trigger [R1]', () => {
  test('starts a run on the newest version with everything that its steps need', async () => {
    const it = await pipeline();
    const { runId, outcome } = await it.start();
    expect(outcome).toBe('started');
    const [name, { input }] = [...it.executions][0];
    expect(name).toBe(`${runId.slice(0, 32)}-1`);
    const own = `s3://artifacts/runs/delay`;
    const data = `${own}/${runId}/1`;
    expect(JSON.parse(input)).toEqual({
      ...{ runId, attempt: 1, model: 'delay', datasetId: 'd2', candidateNumber: 1, codeRevision: 'c0de' },
      manifest: { bucket: 'validated', key: 'datasets/flights/d2.json', versionId: 'v-d2' },
      parameters: { depth: '4', rate: '0.1' },
      hyperparameters: {
        depth: '"4"',
        rate: '"0.1"',
        sagemaker_program: '"train.py"',
        sagemaker_submit_directory: '"s3://assets/c0de.tar.gz"',
      },
      jobs: Object.fromEntries(['prepare', 'train', 'evaluate'].map((step) => [step, `air-dev-delay--${runId.slice(0, 12)}-1-${step}`])),
      uris: {
        ...{
          data,
          train: `${data}/train`,
          validation: `${data}/validation`,
          test: `${data}/test`,
          evaluation: `${data}/evaluation`,
          gate: `${data}/gate`,
        },
        ...{ checkpoints: `${own}/checkpoints/${runId}`, training: `${own}/training` },
        candidate: `${own}/training/air-dev-delay--${runId.slice(0, 12)}-1-train/output/model.tar.gz`,
        code: 's3://assets/c0de.tar.gz',
      },
    });
    expect(it.rows()).toEqual([
      expect.objectContaining({
        state: 'running',
        attempt: 1,
        trigger: 'hand',
        startedAt: '2026-01-01T10:00:00.000Z',
        plan: JSON.parse(input),
      }),
    ]);
  });

  test.each([RunState.RUNNING, RunState.REGISTERED, RunState.REFUSED])('does nothing again for a run that is %s', async (state) => {
    const it = await pipeline();
    await it.start();
    await it.end(state);
    const before = it.dynamo.changes.length;
    expect(await it.start({ trigger: 'dataset', datasetId: 'd2' })).toMatchObject({ outcome: 'known', state });
    expect([it.executions.size, it.dynamo.changes.length - before]).toEqual([1, 0]);
  });

  test('tries a failed run again, as another attempt of the same candidate', async () => {
    const it = await pipeline();
    await it.start();
    await it.end(RunState.FAILED);
    expect(await it.start()).toMatchObject({ outcome: 'started' });
    expect(it.rows()).toEqual([expect.objectContaining({ state: 'running', attempt: 2 })]);
    expect(it.rows()[0].plan.candidateNumber).toBe(1);
    expect(it.executions.size).toBe(2);
  });

  test('a failed run that has a version is registered: nothing is trained, and no run of the day is used', async () => {
    const it = await pipeline({ maximumRunsPerDay: 1 });
    const { runId } = await it.start();
    await it.end(RunState.FAILED);
    it.world.versions = [{ arn: 'arn:package/1', runId }];
    it.world.now = '2026-01-01T11:00:00.000Z';
    expect(await it.start()).toEqual({ outcome: 'known', runId, state: RunState.REGISTERED });
    expect(it.rows()).toEqual([
      expect.objectContaining({
        ...{ state: 'registered', attempt: 1, packageArn: 'arn:package/1' },
        ...{ startedAt: '2026-01-01T10:00:00.000Z', endedAt: '2026-01-01T11:00:00.000Z' },
      }),
    ]);
    expect(await it.start()).toEqual({ outcome: 'known', runId, state: RunState.REGISTERED });
    expect([it.executions.size, it.world.registered, it.world.limits]).toEqual([1, 1, 0]);
  });

  test('a run whose row is lost is not trained again when it has a version', async () => {
    const it = await pipeline({ maximumRunsPerDay: 1 });
    const { runId } = await (await pipeline()).start();
    it.world.versions = [
      { arn: 'arn:package/2', runId: 'other' },
      { arn: 'arn:package/1', runId },
    ];
    expect(await it.start()).toMatchObject({ outcome: 'known', state: RunState.REGISTERED });
    expect(it.rows()).toEqual([expect.objectContaining({ state: 'registered', attempt: 1, packageArn: 'arn:package/1' })]);
    expect(await it.start({ ...HAND, parameters: { depth: '5' } })).toMatchObject({ outcome: 'started' });
    expect(it.rows().map(({ plan }) => plan.candidateNumber)).toEqual([1, 2]);
  });

  test('two that find the version of a run at the same moment enter it once', async () => {
    const it = await pipeline();
    const { runId } = await it.start();
    await it.end(RunState.FAILED);
    it.world.versions = [{ arn: 'arn:package/1', runId }];
    const answers = await Promise.all([it.start(), it.start()]);
    expect(answers.map(({ state }) => state)).toEqual([RunState.REGISTERED, RunState.REGISTERED]);
    expect(it.world.registered).toBe(1);
  });

  test('a crash between row and execution loses nothing: the next trigger of the run starts it', async () => {
    const it = await pipeline();
    it.world.failStart = true;
    await expect(it.start()).rejects.toThrow('connection reset');
    it.world.failStart = false;
    expect(await it.start()).toMatchObject({ outcome: 'started' });
    expect(await it.start()).toMatchObject({ outcome: 'started' });
    expect([it.executions.size, it.rows().length]).toEqual([1, 1]);
  });

  test('other parameters are another run, and the next candidate of the dataset', async () => {
    const it = await pipeline();
    await it.start();
    await it.start({ ...HAND, parameters: { depth: '5' } });
    await it.start({ ...HAND, datasetId: 'd1' });
    expect(it.rows().map(({ plan }) => [plan.datasetId, plan.parameters.depth, plan.candidateNumber])).toEqual([
      ['d2', '4', 1],
      ['d2', '5', 2],
      ['d1', '4', 1],
    ]);
  });

  test('other features are another run, and its plan says so', async () => {
    const it = await pipeline({ featuresSha256: 'f00d' });
    const { runId } = await it.start();
    expect(it.rows()[0].plan).toMatchObject({ runId, featuresSha256: 'f00d' });
    expect(runId).not.toBe((await (await pipeline()).start()).runId);
  });

  test('two that count at the same moment get different numbers', async () => {
    const it = await pipeline();
    await Promise.all(['5', '6', '7'].map((depth) => it.start({ ...HAND, parameters: { depth } })));
    expect(
      it
        .rows()
        .map(({ plan }) => plan.candidateNumber)
        .sort(),
    ).toEqual([1, 2, 3]);
  });

  test('starts no more runs on a day than allowed, tells it, and has new ones the next day', async () => {
    const it = await pipeline({ maximumRunsPerDay: 2 });
    const outcomes = [];
    for (const depth of ['1', '2', '3']) {
      outcomes.push((await it.start({ ...HAND, parameters: { depth } })).outcome);
    }
    expect([outcomes, it.world.limits, it.executions.size]).toEqual([['started', 'started', 'over limit'], 1, 2]);
    it.world.now = '2026-01-02T00:00:00.000Z';
    expect(await it.start({ ...HAND, parameters: { depth: '3' } })).toMatchObject({ outcome: 'started' });
  });

  test('gives up when it is disturbed again and again', async () => {
    const it = await pipeline();
    it.dynamo.before = (operation) => {
      if (operation === 'TransactWriteItems') {
        throw new DynamoDbFailure('TransactionCanceledException', {
          CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }, { Code: 'None' }],
        });
      }
    };
    await expect(it.start()).rejects.toThrow('BusyRuns: other runs were entered in runs at the same moment 8 times');
  });

  test.each([
    [{ trigger: 'cron' }, "'trigger' must be one of dataset, drift, schedule, hand, got 'cron'"],
    [{ ...HAND, parameters: { dept: '4' } }, "there is no parameter 'dept': known are depth, rate"],
    [{ ...HAND, parameters: { depth: 4 } }, "parameter 'depth' must be a text, got number"],
    [{ ...HAND, datasetId: 'd9' }, "UnknownDataset: the catalogue has no version 'd9' of 'flights'"],
  ])('fails on %j', async (request, message) => {
    const it = await pipeline();
    await expect(it.start(request)).rejects.toThrow(message);
    expect(it.rows()).toEqual([]);
  });

  test('fails while there is no dataset', async () => {
    await expect((await pipeline({ dataset: 'ships' })).start()).rejects.toThrow("NoDataset: the catalogue has no version of 'ships' yet");
  });
});

describe('the version that a candidate is compared with [R2]', () => {
  const planFor = async (it: Awaited<ReturnType<typeof pipeline>>, datasetId: string) => {
    await it.start({ ...HAND, datasetId });
    return it.rows()[0].plan;
  };
  const names = (inputs: object[]) => inputs.map((input) => (input as { InputName: string }).InputName);
  const packageOf = (trainedOn: string) => ({
    InferenceSpecification: { Containers: [{ ModelDataUrl: 's3://artifacts/versions/delay/old/1/model.tar.gz' }] },
    CustomerMetadataProperties: { 'dataset-id': trainedOn },
  });

  test.each([undefined, 'none'])('is none while the pointer is %s', async (approved) => {
    const it = await pipeline();
    it.world.approved = approved;
    const { version: found, inputs } = await it.current(await planFor(it, 'd2'));
    expect(found).toBeUndefined();
    expect(names(inputs)).toEqual(['candidate', 'test', 'train', 'validation', 'code', 'jobs']);
    expect(it.world.asked).toEqual(['/air-dev/models/delay/approved']);
  });

  test.each([
    ['d2', 'd1', true],
    ['d2', 'd2', false],
    ['d1', 'd2', false],
    ['d2', 'withdrawn', false],
  ])('a candidate on %s against one trained on %s: newer data is %s', async (own, other, newerData) => {
    const it = await pipeline();
    Object.assign(it.world, { approved: 'arn:package/1', package: packageOf(other) });
    const { version: found, inputs } = await it.current(await planFor(it, own));
    expect(found).toEqual({
      packageArn: 'arn:package/1',
      modelDataUrl: 's3://artifacts/versions/delay/old/1/model.tar.gz',
      trainedOn: other,
      newerData,
    });
    expect(names(inputs)).toEqual(['candidate', 'current', 'test', 'train', 'validation', 'code', 'jobs']);
  });

  test('is asked through the code that it was registered with, which the job gets too', async () => {
    const it = await pipeline();
    const found = packageOf('d1');
    const code = 's3://artifacts/versions/delay/old/1/code.tar.gz';
    const CustomerMetadataProperties = { ...found.CustomerMetadataProperties, 'code-s3-uri': code };
    Object.assign(it.world, { approved: 'arn:package/1', package: { ...found, CustomerMetadataProperties } });
    const { version: current, inputs } = await it.current(await planFor(it, 'd2'));
    expect(current).toMatchObject({ codeUri: code });
    expect(inputs[2]).toMatchObject({ InputName: 'current-code', S3Input: { S3Uri: code, LocalPath: '/opt/ml/processing/current-code' } });
  });

  test('a candidate is judged by the code that it was trained with, though the pipeline has other code by now', async () => {
    const it = await pipeline();
    const inputs = evaluationInputs(await planFor(it, 'd2'), { ...SETTINGS, codeUri: 's3://assets/later.tar.gz' }, undefined);
    expect(inputs).toContainEqual(
      expect.objectContaining({ InputName: 'code', S3Input: expect.objectContaining({ S3Uri: SETTINGS.codeUri }) }),
    );
  });

  test('fails on a version that does not say what it is', async () => {
    const it = await pipeline();
    Object.assign(it.world, { approved: 'arn:package/1', package: {} });
    await expect(it.current(await planFor(it, 'd2'))).rejects.toThrow('IncompleteVersion: arn:package/1');
  });

  test('inputs lie below the folder of their name', async () => {
    const it = await pipeline();
    const inputs = evaluationInputs(await planFor(it, 'd2'), SETTINGS, undefined) as {
      InputName: string;
      S3Input: { LocalPath: string };
    }[];
    inputs.forEach(({ InputName, S3Input }) => expect(S3Input.LocalPath).toBe(`/opt/ml/processing/${InputName}`));
  });
});
