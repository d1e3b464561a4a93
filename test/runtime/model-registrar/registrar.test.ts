import type { CreateModelPackageCommandInput } from '@aws-sdk/client-sagemaker';
import { LINEAGE } from '../../../lib/constructs/models/contract';
import { digestOf, RegistrationRequest } from '../../../runtime/model-registrar/core';
import { makeHandler } from '../../../runtime/model-registrar/handler';
import { aboutVersions, RunVersion, sageMakerOf } from '../../support/fake-registry';

const RUNS = 's3://artifacts/runs/delay';
const CANDIDATE = `${RUNS}/training/j/output/model.tar.gz`;
const KEPT = `s3://artifacts/versions/delay/${'f'.repeat(64)}/1`;
const IMAGE = '141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn@sha256:' + '0'.repeat(64);
const REQUEST = {
  ...{
    runId: 'f'.repeat(64),
    attempt: 1,
    model: 'delay',
    datasetId: 'd2',
    candidateNumber: 1,
    codeRevision: 'c0de',
    parameters: { b: '2', a: '1' },
  },
  jobs: { prepare: 'p', train: 'j', evaluate: 'e' },
  uris: { candidate: CANDIDATE, evaluation: `${RUNS}/f/1/evaluation`, gate: `${RUNS}/f/1/gate`, code: 's3://assets/c0de.tar.gz' },
  verdict: { passed: true, reasons: [], figures: { auc: 0.65, brier: 0.19 } },
} as unknown as RegistrationRequest;
const JOB = {
  TrainingJobArn: 'arn:job',
  TrainingJobStatus: 'Completed',
  ModelArtifacts: { S3ModelArtifacts: CANDIDATE },
  AlgorithmSpecification: { TrainingImage: IMAGE },
};

/** Objects by bucket and key, as Amazon S3 copies them. */
function store(sizes: Record<string, number> = {}) {
  const objects = new Map<string, string>(
    [
      'artifacts/runs/delay/training/j/output/model.tar.gz',
      'assets/c0de.tar.gz',
      ...['evaluation/evaluation.json', 'evaluation/predictions.csv.gz', 'gate/gate.json'].map(
        (name) => `artifacts/runs/delay/f/1/${name}`,
      ),
    ].map((place) => [place, `content of ${place}`]),
  );
  const send = async ({ input, constructor }: { input: Record<string, string>; constructor: { name: string } }) => {
    const place = `${input.Bucket}/${input.Key}`;
    if (constructor.name === 'HeadObjectCommand') {
      return { ContentLength: sizes[place] ?? 1 };
    }
    expect([constructor.name, input.IfNoneMatch]).toEqual(['CopyObjectCommand', '*']);
    if (objects.has(place)) {
      throw Object.assign(new Error('At least one of the pre-conditions you specified did not hold'), { name: 'PreconditionFailed' });
    }
    const source = objects.get(decodeURI(input.CopySource));
    if (source === undefined) {
      throw Object.assign(new Error('The specified key does not exist.'), { name: 'NoSuchKey' });
    }
    objects.set(place, source);
    return {};
  };
  return { objects, send };
}

/** `versions` are those of the group; a registration adds to them, or answers with `refused` when it has added what somebody else did. */
async function register(request: object = {}, job: object = {}, objects = store(), { versions = [] as RunVersion[], refused = '' } = {}) {
  const calls: { name: string; input: CreateModelPackageCommandInput }[] = [];
  const sagemaker = sageMakerOf((command, input) => {
    const known = aboutVersions(versions, command, input);
    if (known !== undefined) {
      return known;
    }
    calls.push({ name: command, input: input as never });
    if (command === 'CreateModelPackage' && refused !== '') {
      versions.push(...(refused === 'by a rival' ? [{ arn: 'arn:package/rival', runId: REQUEST.runId }] : []));
      throw new Error(refused);
    }
    return command === 'DescribeTrainingJob' ? { ...JOB, ...job } : { ModelPackageArn: 'arn:package/1' };
  });
  const run = makeHandler({
    sagemaker,
    s3: { send: objects.send } as never,
    logger: { info: () => undefined },
  });
  const answer = await run({
    run: { ...REQUEST, ...request },
    registration: {
      group: 'air-dev-delay',
      bucket: 'artifacts',
      environment: { SAGEMAKER_PROGRAM: 'inference.py' },
      card: { owner: 'ml-team', purpose: 'Warns.', intendedUses: 'Before departure.', limits: 'New York only.' },
    },
  });
  return { answer, input: calls[1]?.input, calls: calls.map(({ name }) => name) };
}

describe('the registrar [M1] [R1]', () => {
  test('registers a version for approval, with image, model data and environment', async () => {
    const { answer, input } = await register();
    expect(answer).toEqual({ packageArn: 'arn:package/1' });
    expect(input).toMatchObject({
      ModelPackageGroupName: 'air-dev-delay',
      ModelApprovalStatus: 'PendingManualApproval',
      InferenceSpecification: {
        Containers: [{ Image: IMAGE, ModelDataUrl: `${KEPT}/model.tar.gz`, Environment: { SAGEMAKER_PROGRAM: 'inference.py' } }],
        SupportedContentTypes: ['application/json'],
        SupportedResponseMIMETypes: ['application/json'],
      },
      ModelMetrics: {
        ModelQuality: {
          Statistics: { ContentType: 'application/json', S3Uri: `${KEPT}/evaluation.json` },
        },
      },
    });
  });

  test('says of each version what it was made of', async () => {
    const { input } = await register();
    expect(Object.keys(input.CustomerMetadataProperties!).sort()).toEqual(Object.values(LINEAGE).sort());
    expect(input.CustomerMetadataProperties).toMatchObject({
      ...{ 'dataset-id': 'd2', 'code-revision': 'c0de', 'training-run': 'f'.repeat(64), 'image-digest': `sha256:${'0'.repeat(64)}` },
      ...{ 'evaluation-s3-uri': `${KEPT}/evaluation.json`, 'code-s3-uri': `${KEPT}/code.tar.gz` },
      // sha256 of {"a":"1","b":"2"}
      'parameters-sha256': '21f76dfbfe6dfe21f762080ef484112cf2952974cef30741fd1931e1c6d92112',
    });
    Object.values(input.CustomerMetadataProperties!).forEach((value) => expect(value.length).toBeLessThanOrEqual(256));
  });

  test('the same run gives the same request with the same token, so that repeating it registers nothing new', async () => {
    const [one, two] = [await register(), await register({ parameters: { a: '1', b: '2' } })];
    expect(two.input.CustomerMetadataProperties).toEqual(one.input.CustomerMetadataProperties);
    expect(one.input.ClientToken).toMatch(/^[a-zA-Z0-9-]{1,36}$/);
    expect((await register()).input).toEqual(one.input);
  });

  test('a run that has a version gets no other one, whatever this attempt has made: nothing is copied and nothing registered', async () => {
    const shelf = store();
    const before = shelf.objects.size;
    const versions = [{ arn: 'arn:package/7', runId: REQUEST.runId }];
    const { answer, calls } = await register({ attempt: 2 }, { TrainingJobStatus: 'Stopped' }, shelf, { versions });
    expect([answer, calls, shelf.objects.size - before]).toEqual([{ packageArn: 'arn:package/7' }, [], 0]);
  });

  test('an attempt that another one overtakes answers with the version of the other', async () => {
    const { answer, calls } = await register({}, {}, store(), { refused: 'by a rival' });
    expect([answer, calls]).toEqual([{ packageArn: 'arn:package/rival' }, ['DescribeTrainingJob', 'CreateModelPackage']]);
  });

  test('fails when a registration is refused and the run has no version', async () => {
    await expect(register({}, {}, store(), { refused: 'Rate exceeded' })).rejects.toThrow('Rate exceeded');
  });

  test('keeps model, code, evaluation and verdict where they do not expire [row 83]', async () => {
    const { objects, send } = store();
    await register({}, {}, { objects, send });
    const kept = Object.fromEntries([...objects].filter(([place]) => place.startsWith('artifacts/versions/')));
    const folder = KEPT.replace('s3://', '');
    expect(kept).toEqual({
      [`${folder}/model.tar.gz`]: 'content of artifacts/runs/delay/training/j/output/model.tar.gz',
      [`${folder}/code.tar.gz`]: 'content of assets/c0de.tar.gz',
      [`${folder}/evaluation.json`]: 'content of artifacts/runs/delay/f/1/evaluation/evaluation.json',
      [`${folder}/predictions.csv.gz`]: 'content of artifacts/runs/delay/f/1/evaluation/predictions.csv.gz',
      [`${folder}/gate.json`]: 'content of artifacts/runs/delay/f/1/gate/gate.json',
    });
  });

  test('leaves what is kept as it is when the run is registered again, whatever its jobs wrote since', async () => {
    const shelf = store();
    await register({}, {}, shelf);
    const before = [...shelf.objects].filter(([place]) => place.includes('/versions/'));
    [...shelf.objects.keys()]
      .filter((place) => !place.includes('/versions/'))
      .forEach((place) => shelf.objects.set(place, 'something else'));
    await register({}, {}, shelf);
    expect([...shelf.objects].filter(([place]) => place.includes('/versions/'))).toEqual(before);
  });

  test('another attempt of a run is kept beside the first, because it may have trained another model', async () => {
    const { input } = await register({ attempt: 2 });
    expect(input.InferenceSpecification!.Containers![0].ModelDataUrl).toBe(`${KEPT.replace(/1$/, '2')}/model.tar.gz`);
  });

  test.each([
    [5 * 1024 ** 3, 'arn:package/1'],
    [5 * 1024 ** 3 + 1, `ModelTooLarge: ${CANDIDATE} has 5368709121 bytes, a version may have 5368709120`],
  ])('a model of %d bytes: %s', async (size, outcome) => {
    const shelf = store({ [CANDIDATE.replace('s3://', '')]: size });
    const before = shelf.objects.size;
    const found = await register({}, {}, shelf).then(
      ({ answer }) => answer.packageArn,
      (error: Error) => error.message,
    );
    expect(found).toContain(outcome);
    expect(shelf.objects.size - before).toBe(outcome.startsWith('arn:') ? 5 : 0);
  });

  test('fails on an object that is gone, before anything is registered', async () => {
    const shelf = store();
    shelf.objects.delete('artifacts/runs/delay/f/1/gate/gate.json');
    await expect(register({}, {}, shelf)).rejects.toThrow('The specified key does not exist.');
  });

  test('writes a card with purpose, owner, data, limits and metrics [M4]', async () => {
    const card = JSON.parse((await register()).input.ModelCard!.ModelCardContent!);
    expect(card).toMatchObject({
      model_overview: { model_creator: 'ml-team', model_artifact: [`${KEPT}/model.tar.gz`] },
      intended_uses: { purpose_of_model: 'Warns.', intended_uses: 'Before departure.' },
      training_details: { training_job_details: { training_arn: 'arn:job', training_datasets: ['d2'] } },
      evaluation_details: [
        {
          metric_groups: [
            {
              metric_data: [
                { name: 'auc', type: 'number', value: 0.65 },
                { name: 'brier', type: 'number', value: 0.19 },
              ],
            },
          ],
        },
      ],
      additional_information: { caveats_and_recommendations: 'New York only.' },
    });
  });

  test.each<[string, object, object, string]>([
    ['a candidate that was refused', { verdict: { passed: false, reasons: ['x'], figures: {} } }, {}, 'the gate has not let it pass'],
    ['no dataset', { datasetId: '' }, {}, 'lineage lacks dataset-id'],
    ['no code revision', { codeRevision: undefined }, {}, 'lineage lacks code-revision'],
    ['no image', {}, { AlgorithmSpecification: undefined }, 'lineage lacks image-digest'],
    ['an image by its tag', {}, { AlgorithmSpecification: { TrainingImage: 'a/b:1.4-2' } }, 'lineage lacks image-digest'],
    ['no parameters', { parameters: undefined }, {}, 'lineage lacks parameters-sha256'],
    ['a job that was stopped', {}, { TrainingJobStatus: 'Stopped' }, 'the training job is Stopped, not Completed'],
    [
      'another model',
      {},
      { ModelArtifacts: { S3ModelArtifacts: 's3://else' } },
      `the training job made s3://else, but ${CANDIDATE} was evaluated`,
    ],
  ])('fails on %s and registers nothing', async (_, request, job, message) => {
    await expect(register(request, job)).rejects.toThrow(`IncompleteLineage: run ${'f'.repeat(64)} cannot be registered: ${message}`);
  });

  test.each<[string, string | undefined]>([
    ['a/b@sha256:' + '0'.repeat(64), 'sha256:' + '0'.repeat(64)],
    ['host:5000/b:1.2', undefined],
    ['host/b@sha256:12', undefined],
    ['host/b', undefined],
    ['', undefined],
  ])('the digest of %s is %s', (image, digest) => {
    expect(digestOf(image)).toBe(digest);
  });
});
