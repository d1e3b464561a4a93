import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { makeHandler } from '../../../runtime/release-janitor/handler';

const DAY = 24 * 3600 * 1000;
const NOW = Date.parse('2013-07-01T00:00:00Z');
const ARN = (kind: string, name: string) => `arn:aws:sagemaker:us-east-1:1:${kind}/${name}`;
const failure = (name: string, message: string) => Object.assign(new Error(message), { name });

interface Given {
  /** Configuration that the endpoint serves, and that it changes to. */
  readonly serves?: string;
  readonly pending?: string;
  readonly tag?: string;
  readonly stackStatus?: string;
  readonly undeletable?: string;
  readonly vanished?: string;
}

/** Six generations of one registered model with their configurations, one a day; the newest is m0. */
function account(given: Given = {}) {
  const { serves = 'c0', pending, tag = 'air-dev', stackStatus = 'UPDATE_COMPLETE', undeletable, vanished } = given;
  const calls: string[] = [];
  const names = [0, 1, 2, 3, 4, 5];
  const at = (i: number) => new Date(NOW - (i + 2) * DAY);
  const answers: Record<string, (input: Record<string, string>) => object> = {
    ListModelsCommand: () => ({ Models: names.map((i) => ({ ModelName: `m${i}`, ModelArn: ARN('model', `m${i}`), CreationTime: at(i) })) }),
    ListEndpointConfigsCommand: () => ({
      EndpointConfigs: names.map((i) => ({
        EndpointConfigName: `c${i}`,
        EndpointConfigArn: ARN('endpoint-config', `c${i}`),
        CreationTime: at(i),
      })),
    }),
    ListTagsCommand: () => ({ Tags: [{ Key: 'workload', Value: tag }] }),
    DescribeModelCommand: ({ ModelName }) => ({
      PrimaryContainer: { ModelPackageName: `arn:aws:sagemaker:us-east-1:1:model-package/air-dev-delay/${9 - Number(ModelName.slice(1))}` },
    }),
    DescribeEndpointConfigCommand: ({ EndpointConfigName }) => ({
      ProductionVariants: [{ ModelName: EndpointConfigName.replace('c', 'm') }],
    }),
    ListEndpointsCommand: () => ({ Endpoints: [{ EndpointName: 'somebody-elses' }] }),
    DescribeEndpointCommand: () => ({
      EndpointConfigName: serves,
      PendingDeploymentSummary: pending === undefined ? undefined : { EndpointConfigName: pending },
    }),
    DescribeStacksCommand: () => ({ Stacks: [{ StackStatus: stackStatus }] }),
    ListStackResourcesCommand: () => ({
      StackResourceSummaries: [
        { ResourceType: 'AWS::SageMaker::Model', PhysicalResourceId: ARN('model', 'm0') },
        { ResourceType: 'AWS::SageMaker::EndpointConfig', PhysicalResourceId: ARN('endpoint-config', 'c0') },
      ],
    }),
  };
  const send = async ({ constructor, input }: { constructor: { name: string }; input: Record<string, string> }) => {
    const { name } = constructor;
    if (name.startsWith('Delete')) {
      const target = input.ModelName ?? input.EndpointConfigName;
      if (target === undeletable) {
        throw failure('AccessDeniedException', 'not authorized');
      }
      if (target === vanished) {
        throw failure('ValidationException', `Could not find model "${target}".`);
      }
      calls.push(`${name.replace('Command', '')} ${target}`);
      return {};
    }
    return answers[name](input);
  };
  // Paginators ask for true clients.
  const sageMaker = Object.assign(Object.create(SageMakerClient.prototype), { send }) as SageMakerClient;
  const stacks = Object.assign(Object.create(CloudFormationClient.prototype), { send }) as CloudFormationClient;
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  return { calls, run: makeHandler({ prefix: 'air-dev', sageMaker, stacks, now: () => new Date(NOW), logger }) };
}

describe('the release janitor in an account [R3]', () => {
  test('deletes configurations first, then their models, and says how many', async () => {
    const { calls, run } = account();
    expect(await run()).toEqual({ configurations: 3, models: 3 });
    expect(calls).toEqual([
      ...['c3', 'c4', 'c5'].map((name) => `DeleteEndpointConfig ${name}`),
      ...['m3', 'm4', 'm5'].map((name) => `DeleteModel ${name}`),
    ]);
  });

  test('keeps what an endpoint of any name serves, and what it is changing to', async () => {
    const { calls, run } = account({ serves: 'c5', pending: 'c4' });
    await run();
    expect(calls).toEqual(['DeleteEndpointConfig c3', 'DeleteModel m3']);
  });

  test('touches nothing without the tag of the workload, and nothing of a stack under way', async () => {
    for (const given of [{ tag: 'other-dev' }, { stackStatus: 'UPDATE_IN_PROGRESS' }]) {
      const { calls, run } = account(given);
      expect(await run()).toEqual({ configurations: 0, models: 0 });
      expect(calls).toEqual([]);
    }
  });

  test('fails on what cannot be deleted, by name, after everything else is', async () => {
    const { calls, run } = account({ undeletable: 'c4', vanished: 'm5' });
    await expect(run()).rejects.toThrow('NotDeleted: c4: not authorized: they are tried again at the next run');
    expect(calls).toEqual(['DeleteEndpointConfig c3', 'DeleteEndpointConfig c5', 'DeleteModel m3', 'DeleteModel m4']);
  });
});
