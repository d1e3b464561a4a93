import { Size, Stack } from 'aws-cdk-lib';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { InstanceType, ServerlessEndpoint, Slo } from '../../../lib/constructs/serving';
import { HERE, rolesOf, Templates } from '../../support/assembly-roles';
import { listed, Statement } from '../../support/policy-simulator';
import { synth } from '../../support/synth';
import { asyncEndpoint } from '../serving/async-fixtures';
import { component, shared } from '../serving/component-fixtures';
import { endpoint, folder, image } from '../serving/fixtures';

const KEY = `arn:aws:kms:${HERE.region}:${HERE.account}:key/k`;
const keyed = (stack: Stack) =>
  Bucket.fromBucketAttributes(stack, 'Models', { bucketName: 'my-models', encryptionKey: Key.fromKeyArn(stack, 'Key', KEY) });
const own = (stack: Stack) => InferenceImage.fromEcr(Repository.fromRepositoryName(stack, 'Own', 'own'), '1.2.3');
const transformers = InferenceImage.huggingFacePytorch('2.6.0-transformers4.51.3');
const server = () => folder({ Dockerfile: 'FROM scratch\n' });

/** What a pull needs: one repository, and the log-in, which knows none. */
const pull = (account: string, repository: string): string[] => [
  ...['BatchCheckLayerAvailability', 'BatchGetImage', 'GetDownloadUrlForLayer'].map(
    (action) => `ecr:${action} arn:aws:ecr:us-east-1:${account}:repository/${repository}`,
  ),
  'ecr:GetAuthorizationToken *',
];
const SCIKIT_LEARN = pull('683313688378', 'sagemaker-scikit-learn');
const JUMP_START = 'arn:aws:s3:::jumpstart-cache-prod-us-east-1';
const GATED = 'arn:aws:s3:::jumpstart-private-cache-prod-us-east-1';

/** Everything that each source needs, and which ways of serving do not take it. */
const SOURCES: Record<string, { of: (stack: Stack) => ModelSource; needs: string[]; not?: string[] }> = {
  fromTarball: {
    of: (stack) => ModelSource.fromTarball(keyed(stack), 'delay/1/model.tar.gz', { image }),
    needs: ['s3:GetObject arn:aws:s3:::my-models/delay/1/model.tar.gz', `kms:Decrypt ${KEY}`, ...SCIKIT_LEARN],
  },
  fromPrefix: {
    of: (stack) => ModelSource.fromPrefix(keyed(stack), 'delay/1/', { image }),
    needs: [
      's3:GetObject arn:aws:s3:::my-models/delay/1/*',
      's3:ListBucket arn:aws:s3:::my-models {"StringLike":{"s3:prefix":"delay/1/*"}}',
      `kms:Decrypt ${KEY}`,
      ...SCIKIT_LEARN,
    ],
    not: ['serverless'],
  },
  fromAsset: {
    of: () => ModelSource.fromAsset(folder({ 'model.json': '{}', 'code/inference.py': 'x = 1\n' }), { image }),
    needs: ['s3:GetObject arn:aws:s3:::cdk-hnb659fds-assets-111122223333-us-east-1/<hash>.tar.gz', ...SCIKIT_LEARN],
  },
  fromRegistry: {
    of: (stack) => ModelSource.fromRegistry({ namePrefix: 'flights-dev', model: 'delay', artifacts: keyed(stack), image }),
    needs: ['s3:GetObject arn:aws:s3:::my-models/versions/delay/*', `kms:Decrypt ${KEY}`, ...SCIKIT_LEARN],
    not: ['component'],
  },
  fromHuggingFace: {
    of: () => ModelSource.fromHuggingFace('gpt2', { revision: 'a'.repeat(40), image: transformers, downloadAtStart: true }),
    needs: pull('763104351884', 'huggingface-pytorch-inference'),
  },
  'fromJumpStart, open': {
    of: () => ModelSource.fromJumpStart('s3://jumpstart-cache-prod-us-east-1/a/v1/', { image: transformers }),
    needs: [
      `s3:GetObject ${JUMP_START}/a/v1/*`,
      `s3:ListBucket ${JUMP_START} {"StringLike":{"s3:prefix":"a/v1/*"}}`,
      ...pull('763104351884', 'huggingface-pytorch-inference'),
    ],
    not: ['serverless'],
  },
  'fromJumpStart, a gated archive': {
    of: () =>
      ModelSource.fromJumpStart('s3://jumpstart-private-cache-prod-us-east-1/a/m.tar.gz', { image: transformers, acceptEula: true }),
    needs: [`s3:GetObject ${GATED}/a/m.tar.gz`, ...pull('763104351884', 'huggingface-pytorch-inference')],
    not: ['serverless'],
  },
  'fromImage, from a repository': { of: (stack) => ModelSource.fromImage({ image: own(stack) }), needs: pull(HERE.account, 'own') },
  'fromImage, built here': {
    of: (stack) => {
      const built = new DockerImageAsset(stack, 'Server', { directory: server(), platform: Platform.LINUX_AMD64 });
      return ModelSource.fromImage({ image: InferenceImage.fromEcr(built.repository, built.imageTag) });
    },
    needs: pull(HERE.account, 'cdk-hnb659fds-container-assets-111122223333-us-east-1'),
  },
};

const logs = (group: string): string[] =>
  ['CreateLogStream', 'DescribeLogStreams', 'PutLogEvents'].map((action) => `logs:${action} arn:aws:logs:us-east-1:111122223333:${group}`);
const METRICS = 'cloudwatch:PutMetricData * {"StringLike":{"cloudwatch:namespace":["AWS/SageMaker","/aws/sagemaker/*","aws/sagemaker/*"]}}';
const watch = (...alarms: string[]): string[] =>
  alarms.map((alarm) => `cloudwatch:DescribeAlarms arn:aws:cloudwatch:us-east-1:111122223333:alarm:${alarm}`);

/** What each way of serving needs, whatever the model. */
const MODES: Record<string, { serve: (stack: Stack, model: ModelSource) => unknown; role: string; needs: string[] }> = {
  'real-time': {
    serve: (stack, model) => endpoint(stack, { model, networkIsolation: !model.needsNetwork }),
    role: 'ChatRole',
    needs: [...logs('ChatLogs'), METRICS, ...watch('flights-dev-delay-rollback-errors', 'flights-dev-delay-rollback-latency')],
  },
  asynchronous: {
    serve: (stack, model) => asyncEndpoint(stack, { model, endpointName: 'flights-dev-delay', networkIsolation: !model.needsNetwork }),
    role: 'ReportsRole',
    needs: [
      ...logs('ReportsLogs'),
      METRICS,
      ...watch('flights-dev-delay-rollback-errors'),
      ...['GetObject', 'GetObjectVersion'].map((action) => `s3:${action} arn:aws:s3:::my-requests/flights-dev-delay/requests/*`),
      ...['answers', 'failures'].flatMap((part) =>
        ['PutObject', 'AbortMultipartUpload'].map((action) => `s3:${action} arn:aws:s3:::my-answers/flights-dev-delay/${part}/*`),
      ),
      ...['SuccessTopic', 'ErrorTopic'].map((topic) => `sns:Publish arn:aws:sns:us-east-1:111122223333:Reports${topic}`),
      ...['Decrypt', 'GenerateDataKey'].map((action) => `kms:${action} arn:aws:kms:us-east-1:111122223333:ReportsNotificationKey`),
    ],
  },
  serverless: {
    serve: (stack, model) =>
      new ServerlessEndpoint(stack, 'Chat', {
        model,
        memory: Size.gibibytes(3),
        slo: Slo.availability(99),
        endpointName: 'flights-dev-delay',
      }),
    role: 'ChatRole',
    needs: [...logs('ChatLogs'), METRICS, ...watch('flights-dev-delay-rollback-errors')],
  },
  component: {
    serve: (stack, model) =>
      component(shared(stack, { networkIsolation: !model.needsNetwork, instance: InstanceType.ML_M5_4XLARGE }), {
        model,
        compute: { minMemory: Size.gibibytes(16) },
      }),
    role: 'ChatRole',
    needs: [...logs('ChatLogs'), METRICS],
  },
};

/** Each action on each resource, with its condition. */
const lines = (statements: readonly Statement[]): string[] =>
  statements
    .flatMap(({ Action, Resource, Condition }) =>
      listed(Action).flatMap((action) =>
        listed(Resource).map((on) => `${action} ${on}${Condition === undefined ? '' : ` ${JSON.stringify(Condition)}`}`),
      ),
    )
    .map((line) => line.replace(/[0-9a-f]{64}/, '<hash>'))
    .sort();

const CASES = Object.keys(SOURCES).flatMap((source) => Object.keys(MODES).map((mode) => [source, mode] as const));

describe('execution role of each source and way of serving [M3]', () => {
  test.each(CASES)('%s, %s: has exactly what both need, or is refused', (source, mode) => {
    const { of, needs, not = [] } = SOURCES[source];
    const { serve, role, needs: always } = MODES[mode];
    const build = () => synth((stack) => serve(stack, of(stack)), { account: HERE.account, region: HERE.region });
    if (not.includes(mode)) {
      expect(build).toThrow(/^Invalid(Serverless|Inference)\w+: .*'model' (lies uncompressed|is of a registry)/);
      return;
    }
    const { template, nag } = build();
    const roles = rolesOf({ Test: template.toJSON() } as unknown as Templates, ['Test']);
    const found = roles.find(({ name }) => name === role)!;
    expect(lines(found.statements)).toEqual([...always, ...needs].sort());
    expect([found.assumedBy, found.managed]).toEqual([['sagemaker.amazonaws.com'], []]);
    expect(nag.filter((rule) => /IAM/.test(rule))).toEqual([]);
    // The endpoint that hosts components reads no model of theirs.
    const others = roles.filter(({ name, assumedBy }) => name !== role && assumedBy.includes('sagemaker.amazonaws.com'));
    expect(others.flatMap(({ statements }) => lines(statements)).filter((line) => /^(s3|kms|ecr):/.test(line))).toEqual([]);
  });
});
