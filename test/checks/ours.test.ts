import { App, Duration, Stack, Tags } from 'aws-cdk-lib';
import { InstanceType, MeasuredCapacity, ProvisionedConcurrency, Scaling, ServerlessEndpoint, Slo } from '../../lib/constructs/serving';
import { asyncEndpoint } from '../constructs/serving/async-fixtures';
import { component, shared } from '../constructs/serving/component-fixtures';
import { board, CAPACITY, endpoint, folder, tarball } from '../constructs/serving/fixtures';
import { app as blueprintApp } from '../support/synth';
import { found } from './apps';

const capacity = () => MeasuredCapacity.fromFile(`${folder({ 'delay.json': JSON.stringify(CAPACITY) })}/delay.json`);

/** What the checks find in our own endpoints, tagged and with a board, as a workload has them. */
function findings(make: (stack: Stack) => unknown): string[] {
  const app: App = blueprintApp();
  const stack = new Stack(app, 'Test');
  make(stack);
  board(stack);
  Tags.of(app).add('owner', 'ml-platform');
  app.synth();
  return found(app);
}

describe('AiWorkloadChecks on our own endpoints [C1]', () => {
  test("finds nothing but missing data capture in a scaled real-time endpoint, which is the caller's to decide", () => {
    const made = (stack: Stack) =>
      endpoint(stack, { scaling: Scaling.between(1, 4, { capacity: capacity() }), instance: InstanceType.ML_M5_LARGE });
    expect(findings(made)).toEqual(['EndpointWithoutCapture']);
  });

  test('finds nothing in an asynchronous endpoint', () => {
    expect(findings((stack) => asyncEndpoint(stack))).toEqual([]);
  });

  test.each([undefined, ProvisionedConcurrency.between(1, 4, { experimental: true })])(
    'finds nothing in a serverless endpoint (%#)',
    (given) => {
      const slo = Slo.latency({ percentile: 99, below: Duration.seconds(10) });
      const props = { slo, endpointName: 'flights-dev-sometimes', provisionedConcurrency: given };
      expect(findings((stack) => new ServerlessEndpoint(stack, 'Sometimes', { model: tarball(stack), ...props }))).toEqual([]);
    },
  );

  test('finds nothing in an endpoint with an inference component', () => {
    expect(findings((stack) => component(shared(stack)))).toEqual([]);
  });
});
