import { Withdrawing, WithdrawOptions } from '../../../operations/withdraw';
import { textOf } from '../../../operations/withdraw/text';
import { planRollback } from '../../../operations/rollback-plan';
import { Workload } from '../../../operations/workload';
import type { Clients } from '../../../operations/clients';
import { LINEAGE } from '../../../lib/constructs/models/contract';
import { makeHandler as makeTrigger } from '../../../runtime/training-trigger/handler';
import { FakeDynamoDb } from '../../support/fake-dynamodb';
import { builderOf, CATALOGUE } from '../../runtime/dataset-builder/setting';
import { SIMPLE, simpleFile } from '../../runtime/intake/simple-files';
import { BUCKETS, TABLE, World } from '../../runtime/intake/world';
import { arnOf, FakeWorkload } from '../fakes';

const OUTPUTS = { CatalogTable: CATALOGUE, simpleLedger: TABLE, ValidatedBucket: BUCKETS.validated, ReleaseTable: 'releases' };

/** A real ledger and catalogue with a registry: versions 1 and 4 were trained on clean data, 2 and 3 on data with the file `b`; 3 serves. */
class Setting {
  readonly world = new World(SIMPLE);
  readonly releases = new FakeDynamoDb(['model', 'entry']);
  readonly approvals = new Map<number, { approval: string; dataset: string; description?: string }>();
  readonly predictions = [
    { model: 'delay', id: 'early', madeAt: '2026-03-01T01:00:00Z' },
    { model: 'delay', id: 'late', madeAt: '2026-03-01T05:00:00Z' },
    { model: 'delay', id: 'amid', madeAt: '2026-03-01T03:30:00Z' },
  ];
  live = 3;
  /** Called before each call; may throw. */
  before: (name: string) => void = () => undefined;
  private readonly rows = [
    { model: 'delay', entry: 'release#1', state: 'released', from: 'none', to: arnOf(1), startedAt: at(0), changedAt: at(0) },
    { model: 'delay', entry: 'release#2', state: 'released', from: arnOf(1), to: arnOf(3), startedAt: at(3), changedAt: at(4) },
  ];

  static async make(): Promise<Setting> {
    const made = new Setting();
    const { world } = made;
    const { build } = builderOf(world);
    await made.send('a');
    const clean = await build({ dataset: 'simple' });
    await made.send('b');
    const dirty = await build({ dataset: 'simple' });
    [clean.id, dirty.id, dirty.id, clean.id].forEach((dataset, i) => made.approvals.set(i + 1, { approval: 'Approved', dataset }));
    made.approvals.get(4)!.approval = 'PendingManualApproval';
    return made;
  }

  async send(seed: string, key = seed): Promise<string> {
    const object = this.world.send(`simple/${key}.csv`, simpleFile(seed));
    await this.world.attempt(object);
    this.world.pass(60);
    return object.versionId;
  }

  get clients(): Clients {
    const fake = new FakeWorkload().clients;
    const { world, releases } = this;
    const tables = (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
      const name = command.constructor.name;
      this.before(name);
      const { TableName } = command.input;
      if (TableName === 'predictions') {
        return Promise.resolve({ Items: this.predictions });
      }
      if (name === 'QueryCommand') {
        return releases.client
          .send(command as never)
          .then((found) => ({ Items: [...this.rows, ...((found as never as { Items: [] }).Items ?? [])] }));
      }
      return (TableName === 'releases' ? releases : world.db).client.send(command as never);
    };
    const registry = (command: { constructor: { name: string }; input: Record<string, string> }) => {
      this.before(command.constructor.name);
      return this.registry(command.constructor.name, command.input);
    };
    return { ...fake, tables: over(fake.tables, tables), registry: over(fake.registry, registry), objects: world.s3.client };
  }

  private async registry(name: string, input: Record<string, string>): Promise<object> {
    const number = Number((input.ModelPackageName ?? input.ModelPackageArn ?? '').split('/').at(-1));
    switch (name) {
      case 'ListModelPackagesCommand':
        return {
          ModelPackageSummaryList: [...this.approvals].map(([version, { approval }]) => ({
            ModelPackageArn: arnOf(version),
            ModelPackageVersion: version,
            ModelApprovalStatus: approval,
          })),
        };
      case 'DescribeModelPackageCommand':
        return { CustomerMetadataProperties: { [LINEAGE.dataset]: this.approvals.get(number)!.dataset } };
      case 'UpdateModelPackageCommand':
        Object.assign(this.approvals.get(number)!, { approval: input.ModelApprovalStatus, description: input.ApprovalDescription });
        return {};
      case 'DescribeEndpointCommand':
        return { EndpointStatus: 'InService', EndpointConfigName: 'config' };
      case 'DescribeEndpointConfigCommand':
        return { ProductionVariants: [{ ModelName: 'model' }] };
      default:
        return { PrimaryContainer: { ModelPackageName: arnOf(this.live) } };
    }
  }

  async withdraw(given: Partial<WithdrawOptions> = {}) {
    const { clients } = this;
    const endpoints = { delay: { model: { training: { dataset: 'simple' } } } };
    const workload = await Workload.find({ workload: 'air', stage: 'dev', clock: 'real', endpoints } as never, {
      ...clients,
      stacks: over(clients.stacks, (command: object) =>
        Promise.resolve(command.constructor.name === 'DescribeStacksCommand' ? STACKS : RESOURCES),
      ),
    });
    const options = {
      thing: 'simple/b.csv',
      reason: 'wrong sensor',
      by: 'anna',
      yes: true,
      now: () => this.world.at,
      say: () => undefined,
    };
    return new Withdrawing({ ...clients, stacks: clients.stacks }, workload, { ...options, ...given }).run();
  }

  /** Everything that a withdrawal may change. */
  state(): string {
    const { world, approvals } = this;
    return JSON.stringify([world.db.items(TABLE), world.db.items(CATALOGUE), [...approvals], this.releases.items('releases')]);
  }

  status = (): string[] => [...this.approvals.values()].map(({ approval }) => approval);
  marks = (): Record<string, unknown> =>
    Object.fromEntries(this.releases.items<{ entry: string; reason: string }>('releases').map(({ entry, reason }) => [entry, reason]));
}

const at = (hour: number) => `2026-03-01T0${hour}:00:00Z`;
const STACKS = {
  Stacks: [{ StackName: 'air-dev-all', Outputs: Object.entries(OUTPUTS).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })) }],
};
const RESOURCES = {
  StackResourceSummaries: [
    { ResourceType: 'AWS::DynamoDB::Table', LogicalResourceId: 'ApiBooksPredictions1', PhysicalResourceId: 'predictions' },
  ],
};

/** A client of the same class that answers otherwise. */
const over = <T extends object>(client: T, send: (command: never) => unknown): T =>
  Object.assign(Object.create(Object.getPrototypeOf(client)) as T, { send });

describe('npm run withdraw [D10]', () => {
  test('changes nothing without --yes, and says all that it would do', async () => {
    const made = await Setting.make();
    const before = made.state();
    const report = await made.withdraw({ yes: false });
    expect(made.state()).toBe(before);
    expect(made.world.s3.current(BUCKETS.validated).filter(({ key }) => key.includes('/operations/'))).toEqual([]);
    expect(report).toMatchObject({ done: false, dataset: 'simple', serving: [arnOf(3)] });
    expect(report.files.map(({ key, counted }) => [key, counted])).toEqual([['simple/b.csv', true]]);
    expect(textOf(report).split('\n')).toEqual([
      'Would withdraw simple/b.csv of simple (anna: wrong sensor)',
      expect.stringMatching(/^ {2}file simple\/b\.csv, version v\d/),
      expect.stringContaining(`  dataset version ${made.approvals.get(2)!.dataset}, published `),
      '  model delay/2, Approved: would be barred',
      '  model delay/3, Approved: SERVES, is left alone',
      '  predictions of delay: 2, of which another version may have made 1',
      expect.stringMatching(
        /^ {2}instead: delay\/4: aws sagemaker update-model-package --model-package-arn \S+\/4 --model-approval-status Approved/,
      ),
      'Nothing was changed: --yes does it.',
    ]);
  });

  test('takes the file out of the data, bars what was trained on it but for what serves, and leaves a report', async () => {
    const made = await Setting.make();
    const report = await made.withdraw();
    expect(made.status()).toEqual(['Approved', 'Rejected', 'Approved', 'PendingManualApproval']);
    expect(made.marks()).toEqual({ 'mark#000002': 'withdrawn' });
    expect(made.approvals.get(2)!.description).toMatch(/^withdraw-[0-9a-f-]{36}: dataset [0-9a-f]{64} was withdrawn: wrong sensor$/);
    expect(report.models[0]).toMatchObject({ clean: { version: 4 }, predictions: { ids: ['late', 'amid'], uncertain: 1 } });
    const [stored] = made.world.s3.current(BUCKETS.validated).filter(({ key }) => key.includes('/operations/'));
    expect(report.report).toBe(`s3://validated/simple/operations/${report.withdrawal}/report.json`);
    expect({ ...JSON.parse(stored.bytes.toString()), report: report.report }).toEqual(JSON.parse(JSON.stringify(report)));
    await made.send('c');
    const { build, manifestOf } = builderOf(made.world);
    expect(manifestOf(await build({ dataset: 'simple' })).objects.map(({ source }) => source)).toEqual(
      expect.not.arrayContaining(['simple/b.csv']),
    );
  });

  test('bars the version that served when it runs again after another one has taken its place', async () => {
    const made = await Setting.make();
    await made.withdraw();
    made.live = 4;
    made.world.pass(60);
    const again = await made.withdraw({ by: 'ben' });
    expect(again.serving).toEqual([]);
    expect(made.status()).toEqual(['Approved', 'Rejected', 'Rejected', 'PendingManualApproval']);
    const rows = made.world.db.items<{ key: string; withdrawnBy?: string }>(TABLE);
    expect(rows.find(({ key }) => key === 'simple/b.csv')!.withdrawnBy).toBe('anna');
  });

  test('is completed by the same command, wherever it broke', async () => {
    let broken = 0;
    for (let nth = 0; nth < 40; nth++) {
      const made = await Setting.make();
      let calls = 0;
      made.before = () => {
        if (calls++ === nth) {
          throw new Error('broken');
        }
      };
      await made.withdraw().catch((error: Error) => {
        expect(error.message).toBe('broken');
        broken++;
      });
      made.before = () => undefined;
      await made.withdraw();
      expect(made.status()).toEqual(['Approved', 'Rejected', 'Approved', 'PendingManualApproval']);
      expect(made.marks()).toEqual({ 'mark#000002': 'withdrawn' });
      const versions = made.world.db.items<{ id: string; withdrawal?: string }>(CATALOGUE);
      expect(versions.map(({ id, withdrawal }) => [id, withdrawal !== undefined])).toEqual([
        [made.approvals.get(1)!.dataset, false],
        [made.approvals.get(2)!.dataset, true],
      ]);
    }
    expect(broken).toBeGreaterThan(15);
  });

  test('a dataset version: it is neither published nor trained on again; its files stay', async () => {
    const made = await Setting.make();
    const { dataset: id } = made.approvals.get(2)!;
    const report = await made.withdraw({ thing: id });
    expect([report.files, report.datasets.map((version) => version.id)]).toEqual([[], [id]]);
    expect(made.marks()).toEqual({ 'mark#000002': 'withdrawn' });
    await expect(builderOf(made.world).build({ dataset: 'simple' })).rejects.toThrow(
      `WithdrawnDataset: what is accounted for is version ${id}, which was withdrawn (wrong sensor)`,
    );
    await made.send('c');
    expect((await builderOf(made.world).build({ dataset: 'simple' })).files).toBe(3);
    const trigger = makeTrigger({
      ...{ catalogue: CATALOGUE, dynamo: made.world.db.client, runsTable: 'runs', stateMachine: 'machine' },
      settings: { dataset: 'simple', parameters: {}, prefix: 'air', model: 'delay' },
    } as never);
    await expect(trigger({ trigger: 'hand', datasetId: id } as never)).rejects.toThrow(/^WithdrawnDataset: /);
    await expect(trigger({ current: { datasetId: id } } as never)).rejects.toThrow(
      /^WithdrawnDataset: version '.*' of 'simple' was withdrawn/,
    );
  });

  test('--version takes one version of an object alone', async () => {
    const made = await Setting.make();
    const older = made.world.rows().find(({ key }) => key === 'simple/b.csv')!.versionId;
    await made.send('corrected', 'b');
    const report = await made.withdraw({ version: older });
    expect(report.files.map(({ versionId }) => versionId)).toEqual([older]);
    expect((await builderOf(made.world).build({ dataset: 'simple' })).files).toBe(2);
  });

  test('offers the commands that make a new version when none is clean', async () => {
    const made = await Setting.make();
    [1, 4].forEach((version) => (made.approvals.get(version)!.approval = 'Rejected'));
    const report = await made.withdraw({ yes: false });
    expect(report.models[0].clean).toBeUndefined();
    expect(textOf(report)).toContain(`instead: no clean version of delay: publish 'simple' again`);
  });

  test.each([
    ['simple/none.csv', /^UnknownThing: 'simple\/none.csv' is neither an object key nor a dataset version of simple$/],
    ['f'.repeat(64), /^UnknownThing: /],
    ['simple/wrong.csv', /^NothingToWithdraw: 'simple\/wrong.csv' is rejected: only what is accounted for has records/],
  ])('fails on %s', async (thing, expected) => {
    const made = await Setting.make();
    await made.world.attempt(made.world.send('simple/wrong.csv', 'wrong\n'));
    await expect(made.withdraw({ thing })).rejects.toThrow(expected);
  });

  test('a version that was barred cannot be gone back to', () => {
    const rows = [{ entry: 'mark#000002', reason: 'withdrawn', why: 'dataset d was withdrawn: wrong sensor' }];
    const approvals = new Map([2, 3].map((version) => [version, 'Approved']));
    expect(() => planRollback({ model: 'delay', approvals, rows, live: 3, to: 2 })).toThrow(
      'WithdrawnVersion: version 2 of delay was trained on data that was withdrawn (dataset d was withdrawn: wrong sensor): take another one',
    );
  });
});
