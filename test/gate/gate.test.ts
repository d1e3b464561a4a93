import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { aws_cloudwatch as cw, aws_iam as iam, aws_s3 as s3, aws_sqs as sqs, CfnResource, NestedStack, Stack } from 'aws-cdk-lib';
import { Subject, Template } from '../../gate/assembly';
import { CHECKS } from '../../gate/checks';
import { findings, uncheckedNamespaces } from '../../gate/gate';
import { control, subject } from './control';
import { Fault, FAULTS } from './faults';
import { foreign, foreignApp, soundBucket, soundShop } from './foreign-app';
import { FOREIGN_FAULTS } from './foreign-faults';

const root = resolve(__dirname, '../..');
const shown = (found: { check: string; resource?: string; problem: string }[]) =>
  found.map(({ check, resource, problem }) => `${check}: ${resource}: ${problem}`);

// CDK itself only warns about these apps; the warnings are not what is tested.
beforeAll(() => void jest.spyOn(console, 'error').mockImplementation());

describe('the gate on a hand-written template [C2]', () => {
  test('finds nothing in the control', async () => {
    expect(shown(await findings([subject(control())]))).toEqual([]);
  });

  test.each([
    [4096, 0],
    [4097, 1],
  ])('an environment of %d bytes as JSON, beside what is known only at deployment, has %d problems [row 164]', async (bytes, problems) => {
    const template = control();
    const frame = JSON.stringify({ A: '', B: '' }).length;
    const join = { 'Fn::Join': ['', ['x'.repeat(bytes - frame), { 'Fn::GetAtt': ['Jobs', 'Arn'] }]] };
    template.Resources!.Worker.Properties!.Environment = { Variables: { A: join, B: { Ref: 'Jobs' } } };
    const found = await findings([subject(template)]);
    expect(found.filter(({ check }) => check === 'limits')).toHaveLength(problems);
  });

  test.each([
    ['a queue that others read meanwhile [row 159]', 'a visibility timeout below six times the function'],
    ['a queue that gives up on good messages [row 160]', 'too few receives'],
    ['a dead-letter queue that forgets first [row 160]', 'a dead-letter queue that forgets first'],
    ['a FIFO dead-letter queue of a rule [row 161, 165]', 'a FIFO dead-letter queue'],
    ['a large batch without a window [row 162]', 'a large batch without a window'],
    ['a batch that fails as a whole [row 162]', 'a batch that fails as a whole'],
    ['a dead-letter queue that lets no event in [row 165]', 'a dead-letter queue that lets no event in'],
    ['a FIFO queue without a group [row 166]', 'a FIFO queue without a group'],
    ['a mapping of a stream without a start [row 198]', 'a mapping of a stream that does not say where it starts'],
    ['a count of shards on demand [row 199]', 'a count of shards on demand'],
  ])('refuses in any template %s', async (_trap, name) => {
    const fault = FAULTS.find((one) => one.fault === name)!;
    expect(await seen(fault, control)).toEqual(expect.arrayContaining([fault.check]));
  });

  test('lists namespaces that it knows nothing of instead of judging them', () => {
    expect(uncheckedNamespaces([subject(control())])).toEqual([{ namespace: 'Mine', aws: false }]);
  });

  test.each(FAULTS)('fails on $fault ($check)', async (fault) => {
    expect(await seen(fault, control)).toContain(fault.check);
  });

  test.each(CHECKS)('has at least three seeded faults of its own and three of an app that is not ours for $name', ({ name }) => {
    for (const faults of [FAULTS, FOREIGN_FAULTS]) {
      expect(faults.filter(({ check }) => check === name).length).toBeGreaterThanOrEqual(3);
    }
  });
});

const outcomes = new Map<Fault, Promise<string[]>>();

/** Names of the checks that turn red on a fault: its own, or else any. Looked at once, however many tests ask. */
function seen(fault: Fault, sound: () => Template): Promise<string[]> {
  return outcomes.get(fault) ?? outcomes.set(fault, look(fault, sound())).get(fault)!;
}

async function look({ check, seed }: Fault, template: Template): Promise<string[]> {
  seed(template.Resources!, template);
  const changed = [subject(template)];
  const own = await findings(
    changed,
    CHECKS.filter(({ name }) => name === check),
  );
  own.forEach(({ problem }) => expect(problem.length).toBeGreaterThan(20));
  return (own.length > 0 ? own : await findings(changed)).map((finding) => finding.check);
}

let shop: Subject[];
const shopTemplate = (): Template => structuredClone(shop[0].template);
beforeAll(() => void (shop = foreign(soundShop)));

describe('the gate on an app that is not ours [C1, C2]', () => {
  test('finds nothing in a sound one, stage and nested stack included', async () => {
    expect(shop.map(({ stack }) => stack)).toHaveLength(2);
    expect(shown(await findings(shop))).toEqual([]);
  });

  test.each(FOREIGN_FAULTS.filter(({ unseen }) => !unseen))('fails on $fault ($check)', async (fault) => {
    expect(await seen(fault, shopTemplate)).toContain(fault.check);
  });

  const built: [string, string, (stack: Stack) => void][] = [
    ['a bucket with CDK defaults', 'buckets', (stack) => new s3.Bucket(stack, 'Store')],
    ['a bucket in a nested stack', 'buckets', (stack) => new s3.Bucket(new NestedStack(stack, 'Inner'), 'Store')],
    ['a queue without dead-letter queue', 'queues', (stack) => new sqs.Queue(stack, 'Jobs')],
    [
      'an alarm that nobody hears',
      'alarms',
      (stack) =>
        new sqs.Queue(stack, 'J').metricApproximateAgeOfOldestMessage().createAlarm(stack, 'Age', { threshold: 60, evaluationPeriods: 1 }),
    ],
    [
      'an alarm on dimensions that SageMaker does not publish',
      'alarms',
      (stack) =>
        new cw.Metric({
          namespace: 'AWS/SageMaker',
          metricName: 'ApproximateBacklogSizePerInstance',
          dimensionsMap: { Endpoint: 'x', Variant: 'y' },
        }).createAlarm(stack, 'Backlog', { threshold: 1, evaluationPeriods: 1, treatMissingData: cw.TreatMissingData.NOT_BREACHING }),
    ],
    [
      'a misspelt IAM action',
      'iam-actions',
      (stack) =>
        new iam.Policy(stack, 'P', {
          statements: [new iam.PolicyStatement({ actions: ['sagemaker:InvokeEndpont'], resources: ['*'] })],
          users: [new iam.User(stack, 'U')],
        }),
    ],
    [
      'a property of another type',
      'schema',
      (stack) => new CfnResource(stack, 'T', { type: 'AWS::SNS::Topic', properties: { VisibilityTimeout: 1 } }),
    ],
    [
      'a dependency that is gone',
      'references',
      (stack) => new CfnResource(stack, 'T', { type: 'AWS::SNS::Topic' }).addOverride('DependsOn', ['Gone']),
    ],
    [
      'an endpoint with capitals',
      'endpoints',
      (stack) =>
        new CfnResource(stack, 'E', { type: 'AWS::SageMaker::Endpoint', properties: { EndpointName: 'Chat', EndpointConfigName: 'c' } }),
    ],
  ];

  test.each(built)('fails on %s', async (_, check, build) => {
    const found = await findings(foreign(build));
    expect(found.map((finding) => finding.check)).toContain(check);
  });
});

test('at least 95 % of all seeded template faults turn the gate red', async () => {
  const missed: string[] = [];
  const seeded: [Fault, () => Template][] = [
    ...FAULTS.map((fault): [Fault, () => Template] => [fault, control]),
    ...FOREIGN_FAULTS.map((fault): [Fault, () => Template] => [fault, shopTemplate]),
  ];
  for (const [fault, sound] of seeded) {
    if ((await seen(fault, sound)).length === 0) {
      missed.push(fault.fault);
    }
  }
  const red = seeded.length - missed.length;
  const share = red / seeded.length;
  process.stdout.write(`seeded template faults that turn the gate red: ${red} of ${seeded.length} (${(100 * share).toFixed(1)} %)\n`);
  expect(missed).toEqual(seeded.filter(([{ unseen }]) => unseen).map(([{ fault }]) => fault));
  expect(share).toBeGreaterThanOrEqual(0.95);
});

describe('npm run gate', () => {
  const gate = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'gate/main.ts', ...args], { cwd: root, encoding: 'utf8' });

  test('exits 0 on a sound app, 1 with a readable list on a faulty one', () => {
    const good = gate(foreignApp((stack) => void soundBucket(stack)));
    expect([good.status, good.stdout]).toEqual([0, expect.stringMatching(/^0 findings in 1 templates, \d+ resources, 11 checks\n$/)]);
    const bad = gate(foreignApp((stack) => void new sqs.Queue(stack, 'Jobs')));
    expect(bad.status).toBe(1);
    expect(bad.stdout).toContain('queues: Jobs');
    expect(bad.stdout).toContain('[Live/Shop/Jobs/Resource]: no dead-letter queue');
  });

  test('prints JSON for machines', () => {
    const report = JSON.parse(
      gate(
        foreignApp((stack) => void new sqs.Queue(stack, 'Jobs')),
        '--json',
      ).stdout,
    );
    expect(report.findings).toEqual([expect.objectContaining({ check: 'queues', stack: expect.any(String) })]);
  });

  test('exits 2 when there is nothing to look at', () => {
    expect(gate().status).toBe(2);
    const folder = mkdtempSync(join(tmpdir(), 'empty-'));
    expect(gate(folder)).toMatchObject({ status: 2, stderr: expect.stringContaining('has no manifest.json') });
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ version: '1', artifacts: {} }));
    expect(gate(folder)).toMatchObject({ status: 2, stderr: expect.stringContaining('has no stack') });
  });
});

test('the gate knows of the library only how contracts compare', () => {
  const imports = execFileSync('grep', ['-rhoE', "from '[^']+'", 'gate'], { cwd: root, encoding: 'utf8' });
  const ofTheLibrary = imports.split('\n').filter((line) => /\/lib\/|aws-cdk-lib'/.test(line));
  expect(ofTheLibrary.sort()).toEqual([
    "from '../lib/constructs/data/contract'",
    "from '../lib/constructs/data/data-contract/contract'",
    "from '../lib/constructs/data/data-contract/contract-changes'",
  ]);
});
