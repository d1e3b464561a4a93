import { join } from 'node:path';
import { App, Duration, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import {
  AiWorkload,
  AiWorkloadProps,
  AlertDestination,
  Budget,
  DataContract,
  InferenceImage,
  InstanceType,
  ModelSource,
  Objective,
  ObjectiveGuard,
  ObjectiveMetric,
  Owner,
  Owners,
  PrivateNetwork,
  Slo,
} from '../../../lib';
import { CONTEXT, synth } from '../../support/synth';

const example = join(__dirname, '../../../examples/flight-delays');
const owner = (team: string) => new Owner({ team, contact: team, page: [AlertDestination.email(`${team}@example.com`)] });

function props(): AiWorkloadProps {
  const [data, platform, apps] = ['flight-data', 'ml-platform', 'passenger-apps'].map(owner);
  return {
    workloadName: 'flights-dev',
    owners: Owners.byLayer({
      ...{ data, models: platform, serving: platform, delivery: platform },
      ...{ integration: apps, observability: platform, infrastructure: platform, product: apps },
    }),
    objective: Objective.atLeast(40, ObjectiveMetric.recall('Warned'), {
      over: Duration.days(28),
      guard: ObjectiveGuard.atMost(35, ObjectiveMetric.positiveRate('Warnings')),
    }),
    decisionOutput: 'warn',
    budget: Budget.monthly(400),
  };
}

const model = () => ({
  source: ModelSource.fromAsset(join(example, 'model/package'), { image: InferenceImage.scikitLearn('1.4-2') }),
  instance: InstanceType.ML_M5_LARGE,
  slo: Slo.latency({ percentile: 99, below: Duration.millis(500) }),
});

function build(more: Partial<AiWorkloadProps> = {}, intake = true) {
  return synth((stack) => {
    const workload = new AiWorkload(stack, 'Flights', { ...props(), ...more });
    if (intake) {
      workload.addIntake('Files', { contract: DataContract.fromFile(join(example, 'contracts/flights.odcs.yaml')) });
    }
    workload.addModel('delay', model());
    return workload;
  });
}

describe('AiWorkload [W5]', () => {
  test('composes all layers from owners, objective, budget and a model, without a finding of cdk-nag', () => {
    const { template, nag } = build();
    for (const [type, count] of [
      ['AWS::SageMaker::Endpoint', 1],
      ['AWS::ApiGateway::RestApi', 1],
      ['AWS::Events::EventBus', 1],
      ['AWS::Budgets::Budget', 1],
      ['AWS::CloudWatch::Dashboard', 1],
    ] as const) {
      template.resourceCountIs(type, count);
    }
    expect(nag).toEqual([]);
  });

  test.each([true, false])('leaves no finding of cdk-nag in an app that merges policy statements: %s', (merge) => {
    const stack = new Stack(new App({ context: { ...CONTEXT, '@aws-cdk/aws-iam:minimizePolicies': merge } }), 'Test');
    const workload = new AiWorkload(stack, 'Flights', props());
    workload.addIntake('Files', { contract: DataContract.fromFile(join(example, 'contracts/flights.odcs.yaml')) });
    workload.addModel('delay', model());
    expect(new AwsSolutionsChecks().validateScope(stack).violations.map(({ ruleName }) => ruleName)).toEqual([]);
  });

  test('lets the API reach exactly the endpoints that it names, and captures what they are asked', () => {
    const { template } = build();
    template.hasResourceProperties('AWS::SageMaker::Endpoint', { EndpointName: 'flights-dev-delay' });
    template.hasResourceProperties('AWS::SageMaker::EndpointConfig', { DataCaptureConfig: Match.objectLike({ EnableCapture: true }) });
  });

  test("gives a model's signature to the API, and fails when its outputs lack the decision", () => {
    const distance = { name: 'distance', datatype: 'FP64', shape: [-1] };
    const add = (name: string, datatype: string) =>
      synth((stack) => {
        const outputs = [{ name, datatype, shape: [-1] }];
        return new AiWorkload(stack, 'Flights', props()).addModel('delay', { ...model(), signature: { inputs: [distance], outputs } });
      });
    add('warn', 'BOOL').template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ MODEL_SIGNATURES: Match.stringLikeRegexp('^\\{"delay":.*"name":"distance"') }) },
    });
    expect(() => add('warm', 'BOOL')).toThrow(
      "InvalidModel: 'decisionOutput': 'warn' is no output: did you mean 'warm'? [at Test/Flights]",
    );
    expect(() => add('warn', 'FP64')).toThrow("'warn' is FP64, but a decision is BOOL");
  });

  test('routes every alarm to the owner of its layer [P2]', () => {
    const { template } = build();
    // Undelivered alerts of a team go to another one: test/constructs/ownership/alarm-board.test.ts.
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).filter(
      ({ Properties }) => !Properties.AlarmName.endsWith('-undelivered'),
    );
    const topics = template.findResources('AWS::SNS::Topic');
    expect(alarms.length).toBeGreaterThan(20);
    for (const { Properties } of alarms) {
      const [, layer] = /^\[([a-z]+)\/[a-z]+\]/.exec(Properties.AlarmDescription)!;
      const team = { data: 'flight-data', integration: 'passenger-apps', product: 'passenger-apps' }[layer] ?? 'ml-platform';
      for (const action of Properties.AlarmActions ?? []) {
        expect({ [Properties.AlarmName]: topics[action.Ref].Properties.TopicName }).toEqual({
          [Properties.AlarmName]: expect.stringContaining(team),
        });
      }
    }
  });

  test('tags what belongs to a layer with its owner [P1]', () => {
    const { template } = build();
    const tag = (Key: string, Value: string) => Match.objectLike({ Key, Value });
    template.hasResourceProperties('AWS::SageMaker::Endpoint', {
      Tags: Match.arrayWith([tag('layer', 'serving'), tag('owner', 'ml-platform'), tag('workload', 'flights-dev')]),
    });
    template.hasResourceProperties('AWS::Events::EventBus', {
      Tags: Match.arrayWith([tag('layer', 'integration'), tag('owner', 'passenger-apps')]),
    });
  });

  test('keeps data, books and models unless told otherwise', () => {
    const kept = build().template.findResources('AWS::DynamoDB::Table');
    expect(new Set(Object.values(kept).map(({ DeletionPolicy }) => DeletionPolicy))).toEqual(new Set(['Retain']));
    const dropped = build({ removalPolicy: RemovalPolicy.DESTROY, deleteObjects: true }).template.findResources('AWS::DynamoDB::Table');
    expect(new Set(Object.values(dropped).map(({ DeletionPolicy }) => DeletionPolicy))).toEqual(new Set(['Delete']));
  });

  test('serves a model without an intake, in a network that it is given', () => {
    const { template } = synth((stack: Stack) => {
      const network = new PrivateNetwork(stack, 'Network');
      return new AiWorkload(stack, 'Flights', { ...props(), network }).addModel('delay', model());
    });
    template.hasResourceProperties('AWS::SageMaker::Model', { VpcConfig: Match.objectLike({ Subnets: Match.anyValue() }) });
  });

  test('takes a name from its path when it is given none', () => {
    const { template } = build({ workloadName: undefined });
    template.hasResourceProperties('AWS::SageMaker::Endpoint', { EndpointName: Match.stringLikeRegexp('^test-?flights.*-delay$') });
  });
});

describe('AiWorkload checks', () => {
  test.each(['a', 'a'.repeat(39)])("takes the name '%s'", (workloadName) => {
    expect(() => build({ workloadName }, false)).not.toThrow();
  });

  test.each(['', 'a'.repeat(40), 'Flights', '-a', 'a-'])("fails on the name '%s'", (workloadName) => {
    expect(() => build({ workloadName }, false)).toThrow("'workloadName' must be 1 to 39 lower-case letters, digits and inner hyphens");
  });

  test('fails on a name that is a Token', () => {
    expect(() => build({ workloadName: Token.asString({ Ref: 'X' }) }, false)).toThrow("'workloadName' must be known at synth");
  });

  test.each(['', 'a'.repeat(21), 'Delay'])("fails on the model name '%s'", (name) => {
    expect(() => synth((stack) => new AiWorkload(stack, 'Flights', props()).addModel(name, model()))).toThrow(
      "'name' must be 1 to 20 lower-case letters, digits and inner hyphens",
    );
  });

  test('fails at synth on a workload without a model', () => {
    expect(() => synth((stack) => new AiWorkload(stack, 'Flights', props()))).toThrow(
      'there is no model: call addModel() [at Test/Flights]',
    );
  });

  test("fails on a contract whose owner is none of the workload's teams [D2]", () => {
    const [one] = [owner('only-us')];
    const owners = Owners.byLayer({
      ...{ data: one, models: one, serving: one, delivery: one, integration: one, observability: one, infrastructure: one, product: one },
    });
    expect(() => build({ owners })).toThrow('flight-data');
  });
});
