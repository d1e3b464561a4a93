import { App, CfnParameter, NestedStack, Stack, Stage, Tags, Validations } from 'aws-cdk-lib';
import { Alarm, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnEndpoint, CfnEndpointConfig, CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { AiWorkloadChecks } from '../../lib/checks';
import { build, COMPONENT, findings, found, REALTIME } from './apps';

/** An endpoint from plain L1s. */
function endpoint(stack: Stack, endpointName?: string): CfnEndpoint {
  const model = new CfnModel(stack, 'Model', { executionRoleArn: 'arn:aws:iam::111122223333:role/x', enableNetworkIsolation: true });
  const config = new CfnEndpointConfig(stack, 'Config', {
    productionVariants: [
      { variantName: 'AllTraffic', modelName: model.attrModelName, instanceType: 'ml.m5.large', initialInstanceCount: 1 },
    ],
  });
  return new CfnEndpoint(stack, 'Endpoint', { endpointConfigName: config.attrEndpointConfigName, endpointName });
}

function latencyAlarm(stack: Stack, EndpointName: string): Alarm {
  const metric = new Metric({
    namespace: 'AWS/SageMaker',
    metricName: 'ModelLatency',
    dimensionsMap: { EndpointName, VariantName: 'AllTraffic' },
    statistic: 'p99',
  });
  return new Alarm(stack, 'Latency', {
    metric,
    threshold: 500_000,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
}

const UNFINISHED = ['AlarmWithoutAction', 'DeploymentWithoutRollback', 'EndpointWithoutCapture', 'EndpointWithoutOwner'];

describe('AiWorkloadChecks [C1]', () => {
  test('knows an endpoint in another stack: by reference, and by name', () => {
    const app = new App();
    latencyAlarm(new Stack(app, 'Alarms'), endpoint(new Stack(app, 'Serving')).attrEndpointName);
    expect(found(app)).toEqual(UNFINISHED);
    const named = new App();
    endpoint(new Stack(named, 'Serving'), 'delay');
    latencyAlarm(new Stack(named, 'Alarms'), 'delay');
    expect(found(named)).toEqual(UNFINISHED);
  });

  test('knows an endpoint in a nested stack, also when only a part of the app is validated', () => {
    const app = new App();
    const stack = new Stack(app, 'Alarms');
    const nested = new NestedStack(stack, 'Serving');
    latencyAlarm(stack, endpoint(nested).attrEndpointName);
    app.synth();
    expect(found(app)).toEqual(UNFINISHED);
    const { violations } = new AiWorkloadChecks(app).validateScope(nested);
    expect(violations.map(({ ruleName }) => ruleName)).not.toContain('AiWorkload-EndpointWithoutAlarm');
  });

  test('tells endpoints of one name in two stages apart', () => {
    const app = new App();
    const stacks = ['dev', 'prod'].map((stage) => new Stack(new Stage(app, stage), 'Serving'));
    stacks.forEach((stack) => endpoint(stack, 'delay'));
    latencyAlarm(stacks[0], 'delay');
    const { violations } = new AiWorkloadChecks(app).validateScope(app);
    const unwatched = violations.find(({ ruleName }) => ruleName === 'AiWorkload-EndpointWithoutAlarm');
    expect(unwatched?.violatingResources.map(({ constructPath }) => constructPath)).toEqual(['prod/Serving/Endpoint']);
  });

  test('does not say that nothing watches an endpoint when an alarm watches one that is named at deployment', () => {
    const app = new App();
    const stack = new Stack(app, 'Serving');
    endpoint(stack);
    latencyAlarm(stack, new CfnParameter(stack, 'Name').valueAsString);
    expect(found(app)).toEqual(UNFINISHED);
  });

  test('takes an acknowledgement, on the resource or around it, for all of a rule or one finding', () => {
    const app = new App();
    const stack = new Stack(app, 'Shop');
    build(stack, REALTIME, { Latency: { Threshold: 100 }, Target: { MinCapacity: 4 }, Model: { ModelName: 'delay' } });
    expect(found(app)).toEqual(['LatencyInMilliseconds', 'NamedModelCannotChange', 'ScalingWithoutEffect[from-4-to-4]']);
    Validations.of(stack.node.findChild('Latency')).acknowledge({ id: 'AiWorkload-LatencyInMilliseconds', reason: 'a model of 50 µs' });
    Validations.of(app).acknowledge({ id: 'AiWorkload-NamedModelCannotChange', reason: 'deleted by hand before each change' });
    Validations.of(stack).acknowledge({ id: 'AiWorkload-ScalingWithoutEffect[from-4-to-4]', reason: 'the range is set by an operator' });
    expect(found(app)).toEqual([]);
  });

  test('says what is wrong, why, what to do and where it is written, and on demand how to acknowledge it', () => {
    const app = new App();
    build(new Stack(app, 'Shop'), COMPONENT, { Waiting: null });
    const [{ description, severity, violatingResources }] = new AiWorkloadChecks(app).validateScope(app).violations;
    expect(description).toMatch(
      /^An inference component rests at zero copies, and neither a policy nor a schedule wakes it\. Target tracking .* Fix: add a step policy.* \(https:\/\/docs\.aws\.amazon\.com\/.*\)$/,
    );
    expect([severity, violatingResources[0].constructPath]).toEqual(['error', 'Shop/Target']);
    const [verbose] = new AiWorkloadChecks(app, { verbose: true }).validateScope(app).violations;
    expect(verbose.description).toContain('acknowledge AiWorkload-ComponentNeverWakes with the reason');
  });

  test('as a plugin, an error fails synth and a warning is reported', () => {
    const synth = (changes: Parameters<typeof build>[2]) => {
      const app = new App({ context: { '@aws-cdk/core:validateAgainstDefaultRules': false } });
      build(new Stack(app, 'Shop'), REALTIME, changes);
      Validations.of(app).addPlugins(new AiWorkloadChecks(app));
      return () => app.synth();
    };
    const said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(synth({ Endpoint: { RetainAllVariantProperties: false } })).toThrow('AiWorkload-ScaledCountReset');
    expect(synth({ Config: { DataCaptureConfig: null } })).not.toThrow();
    expect(said.mock.calls.join()).toContain('AiWorkload-EndpointWithoutCapture');
    jest.restoreAllMocks();
  });

  test('takes the tags of the caller for owners', () => {
    const squad = (stack: Stack) => build(stack, REALTIME, { Endpoint: { Tags: [{ Key: 'acme:Squad', Value: 'flights' }] } });
    expect(findings(squad)).toEqual(['EndpointWithoutOwner']);
    expect(findings(squad, { ownerTags: ['squad'] })).toEqual([]);
  });

  test('sees tags that are added to all', () => {
    const app = new App();
    const stack = new Stack(app, 'Serving');
    latencyAlarm(stack, endpoint(stack).attrEndpointName);
    Tags.of(app).add('owner', 'ml-platform');
    app.synth();
    expect(found(app)).not.toContain('EndpointWithoutOwner');
  });
});
