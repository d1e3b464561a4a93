import { App, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { loadBlueprint } from '../../lib/config/load';
import { AsyncStack } from '../../lib/stacks/async-stack';
import { ComponentStack } from '../../lib/stacks/component-stack';
import { ServingStack } from '../../lib/stacks/serving-stack';
import { CAPACITY, folder } from '../constructs/serving/fixtures';

const capacity = (over: object) => `${folder({ 'c.json': JSON.stringify({ ...CAPACITY, ...over }) })}/c.json`;
const chat = () => ({ ...loadBlueprint('config/chat.yaml'), region: 'us-east-1' });
type Environment = Record<string, string>;

/** Makes the stack of a mode with this environment of its model and this capacity file. */
const MODES: [string, string, (app: App, environment: Environment, file: string) => unknown][] = [
  [
    'realtime',
    "'scaling.capacity'",
    (app, environment, file) => {
      const config = loadBlueprint('config/dev.yaml');
      const model = { s3Prefix: 's3://my-models/chat/1/' };
      const gpu = { instance: 'ml.g6.2xlarge', image: { huggingFaceVllm: '0.25.1-transformers5.10.2' }, model, environment };
      const delay = { ...config.endpoints.delay, ...gpu, scaling: { min: 1, max: 4, capacity: file } };
      const captureBucket = Bucket.fromBucketName(new Stack(app, 'Data'), 'Capture', 'capture');
      return new ServingStack(app, 'Test', { ...config, region: 'us-east-1', endpoints: { delay } }, { name: 'delay', captureBucket });
    },
  ],
  [
    'component',
    "'copies.capacity'",
    (app, environment, file) => {
      const { chat: host } = chat().componentEndpoints;
      const [[name, one]] = Object.entries(host.components);
      const components = { [name]: { ...one, environment, copies: { min: 0, max: 16, capacity: file } } };
      return new ComponentStack(app, 'Test', { ...chat(), componentEndpoints: { chat: { ...host, components } } }, { name: 'chat' });
    },
  ],
  [
    'async',
    "'scaling.capacity'",
    (app, environment, file) => {
      const drafts = { ...chat().asyncEndpoints.drafts, environment, scaling: { min: 0, max: 1, capacity: file } };
      return new AsyncStack(app, 'Test', { ...chat(), asyncEndpoints: { drafts } }, { name: 'drafts' });
    },
  ],
];

test.each(MODES)(
  'a file of priorities fails in an endpoint of the mode %s whose environment does not say so [A2, W7]',
  (_mode, property, make) => {
    const made = (environment: Environment, over: object) => () => make(new App(), environment, capacity(over));
    const priority = { OPTION_SCHEDULING_POLICY: 'priority', SM_VLLM_SCHEDULING_POLICY: 'priority' };
    const windowed = { priorityWindowSeconds: 6 };
    expect(made({}, windowed)).toThrow(property);
    expect(made({}, windowed)).toThrow(
      /was measured with priorities by windows of 6 s, but (OPTION|SM_VLLM)_SCHEDULING_POLICY is not set, .* set \1_SCHEDULING_POLICY to 'priority' in 'environment'/,
    );
    expect(made(priority, windowed)).not.toThrow();
    expect(made({}, {})).not.toThrow();
  },
);
