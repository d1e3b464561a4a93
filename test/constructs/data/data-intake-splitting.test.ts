import { Stack, Size } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { CfnParameter } from 'aws-cdk-lib';
import { DataContract, DataIntake, DataIntakeProps, DataZones } from '../../../lib';
import { app, once, synth } from '../../support/synth';
import { contractOf, FLIGHTS, flightsWith, Loose } from './contracts';
import { flat, ownOf, statementsOf } from './statements';

const build = (given: Partial<DataIntakeProps> = {}) =>
  synth((stack) => {
    const zones = new DataZones(stack, 'Zones');
    return new DataIntake(stack, 'Flights', { zones, contract: DataContract.fromFile(FLIGHTS), intakeName: 'air-dev-flights', ...given });
  });
const accepted = (splitAbove: Size) => {
  const stack = new Stack(app(), 'Test');
  return new DataIntake(stack, 'Flights', { zones: new DataZones(stack, 'Zones'), contract: DataContract.fromFile(FLIGHTS), splitAbove });
};
const plain = once(() => build());
const custom = (entries: Loose) =>
  contractOf((d) => (d.customProperties = Object.entries(entries).map(([property, value]) => ({ property, value }))));
const functionIn = ({ template }: ReturnType<typeof build>, handler: string): Loose =>
  Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) => id.startsWith(`Flights${handler}`))?.[1].Properties;
const splittingOf = (template: Template): Loose[] =>
  Object.values(template.findResources('AWS::StepFunctions::StateMachine')).filter(({ Properties }) =>
    JSON.stringify(Properties.StateMachineName).includes('splitting'),
  );
const definitionIn = ({ template }: ReturnType<typeof build>): Loose => {
  const [machine] = splittingOf(template);
  return JSON.parse(flat(machine.Properties.DefinitionString));
};
/** Every state, also those of branches and items, by its name. */
const statesOf = (machine: Loose): Record<string, Loose> =>
  Object.entries(machine.States as Record<string, Loose>).reduce(
    (all, [name, state]) => ({
      ...{ ...all, [name]: state },
      ...(state.Branches ?? []).reduce((inner: Loose, branch: Loose) => ({ ...inner, ...statesOf(branch) }), {}),
      ...(state.ItemProcessor === undefined ? {} : statesOf(state.ItemProcessor)),
    }),
    {},
  );

describe('an intake whose files can be split [D5]', () => {
  test('has no nag finding that nobody answered for', () => {
    expect(plain().nag).toEqual([]);
  });

  test('has a Standard machine with its logs, its traces and a limit of 30 minutes, which its lease outlives [row 170, 172]', () => {
    const { template } = plain();
    expect(splittingOf(template)).toHaveLength(1);
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      StateMachineName: 'air-dev-flights-splitting',
      StateMachineType: Match.absent(),
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true },
      TracingConfiguration: { Enabled: true },
    });
    template.hasResourceProperties('AWS::Logs::LogGroup', { LogGroupName: '/aws/vendedlogs/states/air-dev-flights-splitting' });
    expect(definitionIn(plain()).TimeoutSeconds).toBe(1800);
  });

  test('runs both rounds as Standard executions, as many at once as files, and tolerates no failed range', () => {
    const rounds = Object.entries(statesOf(definitionIn(build({ maxConcurrency: 7 })))).filter(([, { Type }]) => Type === 'Map');
    expect(rounds.map(([name]) => name)).toEqual(['Scan', 'Write']);
    for (const [, round] of rounds) {
      expect(round).toMatchObject({ MaxConcurrency: 7, ItemsPath: '$.plan.ranges', ResultPath: null });
      expect(round.ItemProcessor.ProcessorConfig).toEqual({ Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' });
      expect(Object.keys(round).filter((name) => name.startsWith('Tolerated'))).toEqual([]);
    }
  });

  test('tries every step again with jitter, longer when AWS Lambda throttles', () => {
    const tasks = Object.values(statesOf(definitionIn(plain()))).filter(({ Type }) => Type === 'Task');
    expect(tasks).toHaveLength(6);
    for (const { Retry, TimeoutSeconds } of tasks) {
      expect(Retry.map(({ ErrorEquals, MaxAttempts }: Loose) => [ErrorEquals, MaxAttempts])).toEqual([
        [['Lambda.TooManyRequestsException'], 12],
        [['States.ALL'], 4],
      ]);
      expect(Retry.map(({ JitterStrategy, MaxDelaySeconds }: Loose) => [JitterStrategy, MaxDelaySeconds])).toEqual(
        Array(2).fill(['FULL', 60]),
      );
      expect(TimeoutSeconds).toBe(930);
    }
  });

  test.each([
    [undefined, 512, 64],
    [Size.mebibytes(1), 1, 0.25],
    [Size.gibibytes(2), 2048, 64],
  ])('above %s has ranges of at most a quarter of that and 64 MiB', (splitAbove, above, range) => {
    const made = build({ splitAbove });
    expect(functionIn(made, 'Validator').Environment.Variables).toMatchObject({ SPLIT_ABOVE_BYTES: String(above * 2 ** 20) });
    expect(functionIn(made, 'Splitter').Environment.Variables).toMatchObject({ RANGE_BYTES: String(range * 2 ** 20) });
  });

  test('lets the steps read raw objects, write below their dataset and beside it, and move the ledger', () => {
    const { template } = plain();
    expect(ownOf(statementsOf(template, 'FlightsSplitter')).slice(1)).toEqual([
      {
        actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:ConditionCheckItem'],
        resources: ['<FlightsLedger>'],
      },
      { actions: ['s3:ListBucket', 's3:ListBucketVersions'], resources: ['<ZonesRaw>'] },
      { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['<ZonesRaw>/flights/*'] },
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<ZonesValidated>/flights/*'] },
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<ZonesQuarantine>/flights/*'] },
      { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['<ZonesValidated>/_splits/flights/*'] },
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<ZonesValidated>/_splits/flights/*'] },
    ]);
  });

  test('lets the machine call its function and start its own rounds, nothing else of the account', () => {
    const statements = statementsOf(plain().template, 'FlightsSplitting');
    const ofMachine = statements.filter(({ actions }) => !/^(logs|xray):/.test(actions[0]));
    const execution = (round: string) => expect.stringContaining(round);
    expect(ofMachine).toEqual([
      { actions: ['lambda:InvokeFunction'], resources: ['<FlightsSplitter>', '<FlightsSplitter>:*'] },
      { actions: ['states:StartExecution'], resources: ['<FlightsSplitting>'] },
      { actions: ['states:DescribeExecution', 'states:StopExecution'], resources: [execution(':*')] },
      { actions: ['states:RedriveExecution'], resources: [execution('/Scan:*'), execution('/Write:*')] },
    ]);
  });

  test('keeps what the steps leave for each other for a day', () => {
    plain().template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          {
            Id: 'parts-of-splits',
            Status: 'Enabled',
            Prefix: '_splits/',
            ExpirationInDays: 1,
            NoncurrentVersionExpiration: { NoncurrentDays: 1 },
          },
        ]),
      },
    });
  });
});

describe('an intake whose files cannot be split', () => {
  const quoted = flightsWith(
    (d) => (d.customProperties = d.customProperties.filter(({ property }: Loose) => property !== 'newlinesQuoted')),
  );

  test.each([
    ['a quoted field may hold a newline', quoted, false],
    ['JSON Lines', custom({ format: 'jsonl' }), true],
    ['CSV without quoted newlines', custom({ newlinesQuoted: false }), true],
  ])('%s: machine %s', (_, contract, splits) => {
    const made = build({ contract });
    expect(splittingOf(made.template)).toHaveLength(splits ? 1 : 0);
    expect(functionIn(made, 'Validator').Environment.Variables.SPLIT_ABOVE_BYTES).toBe(splits ? String(512 * 2 ** 20) : undefined);
    expect(made.nag).toEqual([]);
  });

  test('fails on a limit that is given all the same, and says what to do', () => {
    expect(() => build({ contract: quoted, splitAbove: Size.mebibytes(100) })).toThrow(
      "'splitAbove' cannot hold: a quoted field may hold a newline: let the contract say that none does (newlinesQuoted: false)",
    );
  });

  test('fails on a limit under a contract with a rule that needs the whole file, and names the rule', () => {
    const contract = contractOf((d) => {
      d.customProperties = [{ property: 'newlinesQuoted', value: false }];
      d.schema[0].properties[1].quality = [{ metric: 'duplicateValues', mustBeLessThan: 5, unit: 'rows' }];
    });
    expect(splittingOf(build({ contract }).template)).toEqual([]);
    expect(() => build({ contract, splitAbove: Size.mebibytes(100) })).toThrow(
      /'splitAbove' cannot hold: rule 'schema\[0\].*' needs the whole file: take it out of the contract, or send files in parts/,
    );
  });

  test.each([0.5, 2049])('fails on %d MiB', (amount) => {
    expect(() => build({ splitAbove: Size.kibibytes(amount * 1024) })).toThrow(
      `'splitAbove (MiB)' must be between 1 and 2048, got ${amount}`,
    );
  });

  test.each([1, 2048])('accepts %d MiB', (amount) => {
    expect(() => accepted(Size.mebibytes(amount))).not.toThrow();
  });

  test('fails on parts of a mebibyte and on a Token', () => {
    expect(() => build({ splitAbove: Size.kibibytes(1025) })).toThrow("'splitAbove (MiB)' must be a whole number");
    expect(() =>
      synth((stack) => {
        const splitAbove = Size.mebibytes(new CfnParameter(stack, 'Number', { type: 'Number' }).valueAsNumber);
        return new DataIntake(stack, 'Flights', {
          zones: new DataZones(stack, 'Zones'),
          contract: DataContract.fromFile(FLIGHTS),
          splitAbove,
        });
      }),
    ).toThrow("'splitAbove' must be known at synth, got a Token");
  });
});
