import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Schedule } from 'aws-cdk-lib/aws-events';
import asl from 'asl-validator';
import { AggregateFunction, RollingAggregate } from '../../../lib';
import { QualityGate, TrainingPipelineProps } from '../../../lib/constructs/delivery';
import { once } from '../../support/synth';
import { Loose } from '../data/contracts';
import { DELAY, DELAY_PROPS } from '../data/features';
import { flat, statementsOf } from '../data/statements';
import { build, CODE, folderOf, PROGRAMS, trainingDefinition } from './training';

const plain = once(() => build());
const functionOf = (template: Template, name: string): Loose =>
  Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) => id.startsWith(`Training${name}`))![1].Properties;
const settingsOf = (template: Template): Loose => JSON.parse(flat(functionOf(template, 'Trigger').Environment.Variables.TRAINING_PIPELINE));
const own = (template: Template, role: string) => statementsOf(template, role);

describe('TrainingPipeline [R1]', () => {
  test('has no finding that nobody acknowledged', () => {
    expect(plain().nag).toEqual([]);
  });

  test('executes prepare, train, evaluate, gate and register in this order, and records each way to end', () => {
    const definition = trainingDefinition(plain().template);
    expect(asl(definition, { checkPaths: true, checkArn: false }).errors).toEqual([]);
    const next = Object.fromEntries(Object.entries(definition.States as Loose).map(([name, state]) => [name, (state as Loose).Next]));
    expect(definition.StartAt).toBe('Image');
    expect(next).toMatchObject({
      Image: 'Prepare',
      Prepare: 'Train',
      Train: 'Current',
      Current: 'Evaluate',
      Evaluate: 'Gate',
      Gate: 'Passed',
      Register: 'RecordRegistered',
    });
    expect(definition.States.Passed).toMatchObject({
      Choices: [{ Variable: '$.verdict.passed', BooleanEquals: true, Next: 'Register' }],
      Default: 'RecordRefused',
    });
    expect(next).toMatchObject({ RecordRegistered: 'Done', RecordRefused: 'Done', RecordFailed: 'Failed' });
  });

  test('records every error of every step as a failed run', () => {
    const { States } = trainingDefinition(plain().template);
    for (const name of ['Image', 'Prepare', 'Train', 'Current', 'Evaluate', 'Gate', 'Register']) {
      expect(States[name].Catch).toEqual([{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'RecordFailed' }]);
    }
    expect(States.RecordFailed.Parameters).toEqual({ outcome: 'failed', 'run.$': '$' });
  });

  test('asks once which image its tag names, and every job of the run names that by digest', () => {
    const { States } = trainingDefinition(plain().template);
    expect(States.Image).toMatchObject({
      Resource: expect.stringMatching(/:states:::aws-sdk:ecr:batchGetImage$/),
      Parameters: { RegistryId: '492215442770', RepositoryName: 'sagemaker-scikit-learn', ImageIds: [{ ImageTag: '1.4-2-cpu-py3' }] },
      ResultPath: '$.image',
    });
    expect(States.Image.ResultSelector['uri.$']).toMatch(
      /^States\.Format\('492215442770\.dkr\.ecr\.eu-central-1\.[^']+\/sagemaker-scikit-learn@\{\}', \$\.Images\[0\]\.ImageId\.ImageDigest\)$/,
    );
    expect(States.Train.Parameters.AlgorithmSpecification['TrainingImage.$']).toBe('$.image.uri');
    for (const name of ['Prepare', 'Evaluate']) {
      expect(States[name].Parameters.AppSpecification['ImageUri.$']).toBe('$.image.uri');
    }
  });

  test('waits for throttled calls and used-up quotas', () => {
    const { States } = trainingDefinition(plain().template);
    for (const name of ['Prepare', 'Train', 'Evaluate']) {
      expect(States[name].Resource).toMatch(/:states:::sagemaker:create(Training|Processing)Job\.sync$/);
      expect(States[name].Retry.flatMap((retry: Loose) => retry.ErrorEquals)).toEqual([
        'SageMaker.AmazonSageMakerException',
        'ThrottlingException',
        'SageMaker.ResourceLimitExceededException',
      ]);
    }
  });

  test('trains on spot instances from checkpoints, with limits for training and waiting', () => {
    expect(trainingDefinition(plain().template).States.Train.Parameters).toMatchObject({
      'TrainingJobName.$': '$.jobs.train',
      EnableManagedSpotTraining: true,
      StoppingCondition: { MaxRuntimeInSeconds: 14_400, MaxWaitTimeInSeconds: 28_800 },
      CheckpointConfig: { 'S3Uri.$': '$.uris.checkpoints', LocalPath: '/opt/ml/checkpoints' },
      ResourceConfig: { InstanceCount: 1, InstanceType: 'ml.m5.xlarge', VolumeSizeInGB: 30 },
      'HyperParameters.$': '$.hyperparameters',
    });
  });

  test('trains on other instances when it is told to, without a limit for waiting', () => {
    const { EnableManagedSpotTraining, StoppingCondition } = trainingDefinition(build({ spot: false, timeout: Duration.hours(1) }).template)
      .States.Train.Parameters;
    expect({ EnableManagedSpotTraining, StoppingCondition }).toEqual({
      EnableManagedSpotTraining: false,
      StoppingCondition: { MaxRuntimeInSeconds: 3600 },
    });
  });

  test('evaluates on the instance of the endpoint, cut off from the network', () => {
    const { Parameters } = trainingDefinition(plain().template).States.Evaluate;
    expect(Parameters).toMatchObject({
      ProcessingResources: { ClusterConfig: { InstanceType: 'ml.m5.large' } },
      NetworkConfig: { EnableNetworkIsolation: true },
      'ProcessingInputs.$': '$.live.inputs',
    });
    expect(Parameters.AppSpecification.ContainerEntrypoint).toEqual([
      'python3',
      expect.stringMatching(/^\/opt\/ml\/processing\/jobs\/[0-9a-f]{64}\.py$/),
    ]);
  });

  test('tells the preparing program where the manifest is, which says the rest', () => {
    const { Parameters } = trainingDefinition(plain().template).States.Prepare;
    expect(Parameters.AppSpecification['ContainerArguments.$']).toBe(
      "States.Array('--manifest-bucket', $.manifest.bucket, '--manifest-key', $.manifest.key, '--manifest-version', $.manifest.versionId, '--output', '/opt/ml/processing/output')",
    );
  });

  test('gives the preparing program the definitions of features and what computes them, and lets it read both', () => {
    const features = [
      DELAY,
      new RollingAggregate({ ...DELAY_PROPS, name: 'departures', function: AggregateFunction.COUNT, value: undefined }),
    ];
    const { template, stack } = build({ features });
    const outdir = App.of(stack)!.outdir;
    const { Parameters } = trainingDefinition(template).States.Prepare;
    const [, definitions, engine] =
      /'--features', '\/opt\/ml\/processing\/features\/(\w+)\.json', '--engine', '\/opt\/ml\/processing\/engine\/(\w+)\.py', '--output'/.exec(
        Parameters.AppSpecification['ContainerArguments.$'],
      )!;
    const inputs = Parameters.ProcessingInputs.map(({ InputName, S3Input }: Loose) => [
      InputName,
      S3Input.LocalPath,
      JSON.stringify(S3Input.S3Uri),
    ]);
    expect(inputs.map(([name, path]: string[]) => [name, path])).toEqual(
      ['jobs', 'features', 'engine'].map((name) => [name, `/opt/ml/processing/${name}`]),
    );
    expect(inputs[1][2]).toContain(`${definitions}.json`);
    expect(inputs[2][2]).toContain(`${engine}.py`);
    const text = readFileSync(join(outdir, `asset.${definitions}.json`), 'utf8');
    expect(JSON.parse(text).map(({ name }: Loose) => name)).toEqual(['origin_delay', 'departures']);
    expect(settingsOf(template).featuresSha256).toBe(createHash('sha256').update(text).digest('hex'));
    expect(readFileSync(join(outdir, `asset.${engine}.py`))).toEqual(readFileSync('jobs/rolling_aggregate.py'));
    const readable = JSON.stringify(template.findResources('AWS::IAM::Policy'));
    [definitions, engine].forEach((hash) => expect(readable).toContain(hash));
  });

  test('fails on features of another dataset, features twice and those that requests do not bring', () => {
    const signature = { inputs: [{ name: 'carrier', datatype: 'BYTES', shape: [-1] }], outputs: [] };
    expect(() => build({ features: [DELAY, DELAY] })).toThrow("'features[1]' repeats 'origin_delay'");
    expect(() => build({ features: [DELAY], signature })).toThrow(
      "'features[0]' is 'origin_delay', which no input of 'signature' has as its 'feature': add one",
    );
    expect(() => build({ features: [DELAY], dataset: 'trains' })).toThrow(
      "'features[0]' is made of 'flights', but training is on 'trains'",
    );
  });

  test('runs the programs of this library unless it is given others', () => {
    const fileOf = (programs?: string) =>
      trainingDefinition(build({ programs }).template).States.Evaluate.Parameters.AppSpecification.ContainerEntrypoint[1];
    const copy = folderOf(Object.fromEntries(['prepare.py', 'evaluate.py'].map((name) => [name, readFileSync(`jobs/${name}`, 'utf8')])));
    expect(fileOf()).toBe(fileOf(copy));
    expect(fileOf()).not.toBe(fileOf(PROGRAMS));
  });

  test('tells its trigger what a run is made of', () => {
    expect(settingsOf(plain().template)).toMatchObject({
      prefix: 'air-dev',
      model: 'delay',
      dataset: 'flights',
      codeRevision: expect.stringMatching(/^[0-9a-f]{64}$/),
      codeUri: expect.stringMatching(/^s3:\/\/.+\.tar\.gz$/),
      program: 'train.py',
      parameters: { depth: '4' },
      maximumRunsPerDay: 4,
      jobPrefix: 'air-dev-delay',
    });
  });

  test('tells its gate which inputs the endpoint takes, if it knows them', () => {
    const rulesOf = (template: Template): Loose => JSON.parse(flat(functionOf(template, 'Gate').Environment.Variables.GATE_RULES));
    const [minute, carrier] = ['minute', 'carrier'].map((name) => ({ name, datatype: 'FP64', shape: [-1] }));
    const signature = { inputs: [minute, carrier], outputs: [] };
    expect(rulesOf(build({ signature }).template)).toMatchObject({ latencyMs: 100, fields: ['minute', 'carrier'] });
    expect(rulesOf(plain().template)).not.toHaveProperty('fields');
  });

  test('fails on a signature without inputs and on a data type that is none', () => {
    const outputs = [{ name: 'late', datatype: 'FP63', shape: [-1] }];
    expect(() => build({ signature: { inputs: [], outputs } })).toThrow(
      /'signature\.inputs' is empty: name at least one tensor; 'signature\.outputs\[0\]\.datatype' must be a data type, got 'FP63'/,
    );
  });

  test('the same code is the same revision, other code another', () => {
    const again = folderOf({ 'train.py': 'pass\n', 'evaluation.py': 'pass\n' });
    const other = folderOf({ 'train.py': 'pass \n', 'evaluation.py': 'pass\n' });
    const [revision, same, changed] = [CODE, again, other].map((code) => settingsOf(build({ code }).template).codeRevision);
    expect(same).toBe(revision);
    expect(changed).not.toBe(revision);
  });

  test('starts for versions of its dataset, for drift of its model, and on a schedule only if it has one', () => {
    const { template } = build({ schedule: Schedule.rate(Duration.days(7)) });
    const rule = (detailType: string, detail: object, input: unknown) =>
      template.hasResourceProperties('AWS::Events::Rule', {
        EventBusName: { Ref: Match.stringLikeRegexp('^Bus') },
        EventPattern: { source: ['ai-workloads'], 'detail-type': [detailType], detail },
        Targets: [Match.objectLike({ ...(input as object), DeadLetterConfig: Match.anyValue() })],
      });
    rule(
      'Dataset Published',
      { dataset: ['flights'] },
      {
        InputTransformer: { InputPathsMap: { 'detail-id': '$.detail.id' }, InputTemplate: '{"trigger":"dataset","datasetId":<detail-id>}' },
      },
    );
    rule('Drift Detected', { model: ['delay'] }, { Input: '{"trigger":"drift"}' });
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(7 days)',
      Targets: [Match.objectLike({ Input: '{"trigger":"schedule"}' })],
    });
    expect(
      Object.values(plain().template.findResources('AWS::Events::Rule')).filter(
        ({ Properties }) => Properties.ScheduleExpression !== undefined && JSON.stringify(Properties.Targets).includes('trigger'),
      ),
    ).toEqual([]);
  });

  test('records runs that the machine could not end itself', () => {
    const { template } = plain();
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.states'],
        'detail-type': ['Step Functions Execution Status Change'],
        detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: Match.anyValue() },
      },
    });
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      StateMachineName: 'air-dev-delay-training',
      TracingConfiguration: { Enabled: true },
    });
  });

  test('keeps its runs, unless it is told to let them go', () => {
    plain().template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      Properties: {
        DeletionProtectionEnabled: true,
        StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      },
    });
    const tables = build({ removalPolicy: RemovalPolicy.DESTROY }).template.findResources('AWS::DynamoDB::Table');
    expect(Object.entries(tables).find(([id]) => id.startsWith('TrainingRuns'))![1].DeletionPolicy).toBe('Delete');
  });

  test('gives the gate its rules, and the latency bound of the endpoint', () => {
    expect(JSON.parse(functionOf(plain().template, 'Gate').Environment.Variables.GATE_RULES)).toEqual({
      ...{
        alpha: 0.05,
        margin: 0,
        tolerance: 0.005,
        calibrationGap: 0.05,
        lowestAuc: 0.62,
        highestAuc: 0.74,
        minimumRows: 1000,
        minimumBlocks: 10,
      },
      latencyMs: 100,
    });
    expect(JSON.parse(functionOf(build({ slo: undefined }).template, 'Gate').Environment.Variables.GATE_RULES)).not.toHaveProperty(
      'latencyMs',
    );
  });

  test.each(['training-failed', 'training-over-limit', 'training-not-started', 'training-not-recorded', 'training-undelivered'])(
    'tells the owner of delivery of %s',
    (name) => {
      plain().template.hasResourceProperties('AWS::CloudWatch::Alarm', {
        AlarmName: `air-dev-delay-${name}`,
        AlarmDescription: Match.stringLikeRegexp(`\\[delivery/ticket\\].*docs/runbooks/delivery\\.md#${name}$`),
        Threshold: 1,
        TreatMissingData: 'notBreaching',
      });
    },
  );

  test('tells of triggers and endings that not even the dead-letter queue took, by the name of each rule on its bus [row 165]', () => {
    const [{ Properties }] = Object.values(
      plain().template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: 'air-dev-delay-training-events-lost' } }),
    );
    const dimensions = (Properties.Metrics as { MetricStat?: { Metric: { Dimensions: { Name: string; Value: unknown }[] } } }[])
      .flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric.Dimensions]))
      .map((all) => Object.fromEntries(all.map(({ Name, Value }) => [Name, Value])));
    const rules = plain().template.findResources('AWS::Events::Rule');
    const wanted = Object.entries(rules)
      .filter(([id, rule]) => id.startsWith('Training') && rule.Properties.Targets[0].DeadLetterConfig !== undefined)
      .map(([id, rule]) =>
        rule.Properties.EventBusName === undefined
          ? { RuleName: { Ref: id } }
          : { EventBusName: rule.Properties.EventBusName, RuleName: rule.Properties.Name },
      );
    expect(wanted).toHaveLength(3);
    expect(dimensions).toHaveLength(wanted.length);
    expect(dimensions).toEqual(expect.arrayContaining(wanted));
    expect(Properties.AlarmDescription).toMatch(/#training-undelivered$/);
  });

  test('has metrics of its own', () => {
    const { metricFailed, metricRefused, metricRegistered } = Object.fromEntries(
      (['metricFailed', 'metricRefused', 'metricRegistered'] as const).map((name) => [name, plain().built[name]()]),
    );
    expect(
      [metricFailed, metricRefused, metricRegistered].map(({ namespace, metricName, dimensions, statistic }) => ({
        namespace,
        metricName,
        dimensions,
        statistic,
      })),
    ).toEqual(
      ['TrainingRunsFailed', 'CandidatesRefused', 'ModelsRegistered'].map((metricName) => ({
        namespace: 'AiWorkloads',
        metricName,
        dimensions: { Model: 'air-dev-delay' },
        statistic: 'Sum',
      })),
    );
  });
});

describe('roles of a TrainingPipeline [M3]', () => {
  test.each([
    'TrainingJobRole',
    'TrainingMachineRole',
    'TrainingTrigger',
    'TrainingGate',
    'TrainingRegistrar',
    'TrainingRecord',
    'TrainingAnnouncer',
  ])('%s may do exactly this', (role) => {
    expect(own(plain().template, role)).toMatchSnapshot();
  });
});

describe('sizes [row 164]', () => {
  test('long texts of a card travel with the machine, so that no environment is too large', () => {
    const [purpose, intendedUses, limits] = ['p', 'i', '"'].map((letter) => letter.repeat(2048));
    const parameters = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, 'x'.repeat(200)]));
    const { template } = build({ purpose, intendedUses, limits, parameters });
    const { Parameters } = trainingDefinition(template).States.Register;
    expect(Parameters).toMatchObject({
      'run.$': '$',
      registration: { group: 'air-dev-delay', card: { owner: 'ml-team', purpose, intendedUses, limits } },
    });
    expect(functionOf(template, 'Registrar').Environment).toBeUndefined();
  });

  test('fails at synth when the parameters do not fit into the environment of the trigger, with all sizes', () => {
    const parameters = { a: 'x'.repeat(2000), b: 'x'.repeat(2000) };
    expect(() => build({ parameters })).toThrow(
      /EnvironmentTooLarge: the environment variables have \d+ bytes as JSON, AWS Lambda takes 4096 \(TRAINING_PIPELINE \d+, .+\): shorten/,
    );
  });
});

describe('mistakes [R1]', () => {
  const gate = (given: object) => QualityGate.averagePrecision({ lowestAuc: 0.6, highestAuc: 0.8, ...given });
  test.each<[Partial<TrainingPipelineProps>, string]>([
    [{ maximumRunsPerDay: 0 }, "'maximumRunsPerDay' must be between 1 and 100, got 0"],
    [{ maximumRunsPerDay: 1.5 }, "'maximumRunsPerDay' must be a whole number, got 1.5"],
    [{ timeout: Duration.seconds(59) }, "'timeout (seconds)' must be between 60 and 432000, got 59"],
    [{ timeout: Duration.hours(2), maximumWait: Duration.hours(1) }, "'maximumWait (seconds)' must be between 7200 and 2419200, got 3600"],
    [{ spot: false, maximumWait: Duration.hours(8) }, "'maximumWait' is for spot instances, but 'spot' is false: leave one of them out"],
    [
      { dataset: 'orders' },
      "'dataset' orders is not in the catalogue, or has no split: add it with addDataset(intake, { split: TimeSplit.closedMonths(",
    ],
    [{ parameters: { sagemaker_program: 'x' } }, "'parameters' has the name 'sagemaker_program'"],
    [{ parameters: { depth: 'x'.repeat(2500) } }, "'parameters.depth' is longer than 2,500 characters"],
    [{ owner: ' ' }, "'owner' must have 1 to 1024 characters for the model card, got 1"],
    [{ limits: 'x'.repeat(2049) }, "'limits' must have 1 to 2048 characters for the model card, got 2049"],
    [{ code: '/nowhere' }, "'code' folder /nowhere does not exist"],
    [{ code: PROGRAMS }, 'has no train.py'],
    [{ code: PROGRAMS }, 'has no evaluation.py'],
    [{ programs: CODE }, 'has no prepare.py'],
    [{ program: 'fit.py' }, 'has no fit.py'],
    [{ namePrefix: 'AIR' }, "'namePrefix' must be"],
    [{ gate: gate({ lowestAuc: 0.8 }) }, "'gate.lowestAuc' must be below 'gate.highestAuc', got 0.8 and 0.8"],
    [{ gate: gate({ alpha: 0.21 }) }, "'gate.alpha' must be between 0.000001 and 0.2, got 0.21"],
    [{ gate: gate({ tolerance: 0.11 }) }, "'gate.tolerance' must be between 0 and 0.1, got 0.11"],
    [{ gate: gate({ minimumBlocks: 4 }) }, "'gate.minimumBlocks' must be between 5 and 100000, got 4"],
    [{ dataset: 'trains' }, "'dataset' trains is not in the catalogue, or has no split: add it with addDataset(intake, { split:"],
  ])('fails on %j and says what is allowed', (given, message) => {
    expect(() => build(given)).toThrow(message);
  });
});
