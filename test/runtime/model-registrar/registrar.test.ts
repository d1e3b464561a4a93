import type { CreateModelPackageCommandInput } from '@aws-sdk/client-sagemaker';
import { LINEAGE } from '../../../lib/constructs/models/contract';
import { imageIdentity, RegistrationRequest } from '../../../runtime/model-registrar/core';
import { makeHandler } from '../../../runtime/model-registrar/handler';

const CANDIDATE = 's3://artifacts/delay/training/j/output/model.tar.gz';
const IMAGE = '141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3';
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
  uris: { candidate: CANDIDATE, evaluation: 's3://artifacts/delay/runs/f/1/evaluation' },
  verdict: { passed: true, reasons: [], figures: { auc: 0.65, brier: 0.19 } },
} as unknown as RegistrationRequest;
const JOB = {
  TrainingJobArn: 'arn:job',
  TrainingJobStatus: 'Completed',
  ModelArtifacts: { S3ModelArtifacts: CANDIDATE },
  AlgorithmSpecification: { TrainingImage: IMAGE },
};

async function register(request: object = {}, job: object = {}) {
  const calls: { name: string; input: CreateModelPackageCommandInput }[] = [];
  const send = async (command: { constructor: { name: string }; input: never }) => {
    calls.push({ name: command.constructor.name, input: command.input });
    return command.constructor.name.startsWith('Describe') ? { ...JOB, ...job } : { ModelPackageArn: 'arn:package/1' };
  };
  const run = makeHandler({
    settings: { prefix: 'air-dev', model: 'delay' } as never,
    registration: {
      image: IMAGE,
      environment: { SAGEMAKER_PROGRAM: 'inference.py' },
      card: { owner: 'ml-team', purpose: 'Warns.', intendedUses: 'Before departure.', limits: 'New York only.' },
    },
    sagemaker: { send } as never,
    logger: { info: () => undefined },
  });
  const answer = await run({ ...REQUEST, ...request });
  return { answer, input: calls[1].input };
}

describe('the registrar [M1] [R1]', () => {
  test('registers a version for approval, with image, model data and environment', async () => {
    const { answer, input } = await register();
    expect(answer).toEqual({ packageArn: 'arn:package/1' });
    expect(input).toMatchObject({
      ModelPackageGroupName: 'air-dev-delay',
      ModelApprovalStatus: 'PendingManualApproval',
      InferenceSpecification: {
        Containers: [{ Image: IMAGE, ModelDataUrl: CANDIDATE, Environment: { SAGEMAKER_PROGRAM: 'inference.py' } }],
        SupportedContentTypes: ['application/json'],
        SupportedResponseMIMETypes: ['application/json'],
      },
      ModelMetrics: {
        ModelQuality: {
          Statistics: { ContentType: 'application/json', S3Uri: 's3://artifacts/delay/runs/f/1/evaluation/evaluation.json' },
        },
      },
    });
  });

  test('says of each version what it was made of', async () => {
    const { input } = await register();
    expect(Object.keys(input.CustomerMetadataProperties!).sort()).toEqual(Object.values(LINEAGE).sort());
    expect(input.CustomerMetadataProperties).toMatchObject({
      ...{ 'dataset-id': 'd2', 'code-revision': 'c0de', 'training-run': 'f'.repeat(64), 'image-digest': 'tag:1.4-2-cpu-py3' },
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

  test('writes a card with purpose, owner, data, limits and metrics [M4]', async () => {
    const card = JSON.parse((await register()).input.ModelCard!.ModelCardContent!);
    expect(card).toMatchObject({
      model_overview: { model_creator: 'ml-team', model_artifact: [CANDIDATE] },
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

  test.each([
    ['a/b@sha256:' + '0'.repeat(64), 'sha256:' + '0'.repeat(64)],
    ['host:5000/b:1.2', 'tag:1.2'],
    ['host/b', undefined],
    ['', undefined],
  ])('an image %s is %s', (image, identity) => {
    expect(imageIdentity(image)).toBe(identity);
  });
});
