import { requestOf } from '../../operations/withdraw';
import { withdrawalText } from '../../operations/withdraw/text';
import { OperationMachine } from '../../operations/operation-machine';
import { planRollback } from '../../operations/rollback-plan';
import { arnOf, FakeWorkload } from './fakes';

const versions = [
  { version: 3, arn: arnOf(3), approval: 'Approved', dataset: 'd', live: true },
  { version: 2, arn: arnOf(2), approval: 'Approved', dataset: 'd', live: false },
];
const REPORT = {
  ...{ id: 'x', dataset: 'flights', operation: 'withdraw', dryRun: true, reason: 'wrong sensor', requestedBy: 'anna' },
  selection: { thing: 'flights/b.csv' },
  plan: {
    totals: { files: 2, 'dataset versions': 1 },
    first: [
      { what: 'file', key: 'flights/b.csv', versionId: 'v1', counted: true },
      { what: 'file', key: 'flights/b.csv', versionId: 'v0', counted: false },
      { what: 'dataset version', dataset: 'd', publishedAt: 'T' },
    ],
  },
  models: [{ model: 'delay', versions, clean: { version: 4, arn: arnOf(4), approval: 'PendingManualApproval' }, passedOver: [] }],
  totals: { 'files withdrawn': 2, predictions: 7 },
  report: { bucket: 'validated', key: 'flights/operations/x/report.json' },
} as never;

describe('npm run withdraw [D10]', () => {
  test('starts the machine of the workload, and says how far it is from the ledger that it works in', async () => {
    const made = new FakeWorkload();
    made.ends.push({ status: 'SUCCEEDED', output: JSON.stringify(REPORT) });
    made.tables.ledger.push({ pk: 'withdrawing', id: 'execution', progress: { totals: { 'files withdrawn': 2 } } });
    let looks = 0;
    made.running = () => ++looks < 2;
    const machine = OperationMachine.ofRecall(made.clients, await made.workload(), 'flights/b.csv');
    machine.pause = () => Promise.resolve();
    const said: string[] = [];
    const asked = { ...requestOf('flights/b.csv', { reason: 'wrong sensor', version: 'v1' }), dryRun: true };
    expect(await machine.execute(asked, (line) => void said.push(line))).toEqual(REPORT);
    expect(JSON.parse(made.started[0])).toMatchObject({
      ...{ operation: 'withdraw', dryRun: true, reason: 'wrong sensor', selection: { thing: 'flights/b.csv', version: 'v1' } },
    });
    expect(said).toEqual(['files withdrawn 2']);
  });

  test('says what would be touched, and what to release instead', () => {
    expect(withdrawalText(REPORT).split('\n')).toEqual([
      'Would withdraw flights/b.csv of flights (anna: wrong sensor)',
      '  file flights/b.csv, version v1',
      '  file flights/b.csv, version v0, which counts no more',
      '  dataset version d, published T',
      '  model delay/3, Approved: SERVES, is left alone',
      '  model delay/2, Approved: would be barred',
      expect.stringMatching(
        /^ {2}instead: delay\/4: aws sagemaker update-model-package --model-package-arn \S+\/4 --model-approval-status Approved/,
      ),
      '  files             2',
      '  dataset versions  1',
    ]);
  });

  test('says what was done, and what a person has to decide next', () => {
    const done = withdrawalText({ ...(REPORT as object), dryRun: false } as never);
    expect(done).toContain('  model delay/2, Approved: barred\n');
    expect(done.split('\n').slice(-5)).toEqual([
      'next:',
      '  run the same command again when the versions that serve are replaced: then they are barred too',
      '  run it again too when a training run has ended that was past its evaluation: it may have registered one more version',
      `  publish 'flights' again: invoke the DatasetBuilder with {"dataset": "flights"}; that trains a new version`,
      'report: s3://validated/flights/operations/x/report.json',
    ]);
    const passedOver = [
      { version: 5, approval: 'Approved', data: 'withdrawn' },
      { version: 4, approval: 'Approved', data: 'unknown' },
    ];
    const none = withdrawalText({ ...(REPORT as object), models: [{ model: 'delay', versions: [versions[1]], passedOver }] } as never);
    expect(none).toContain(
      [
        '  not delay/5, Approved: its data was withdrawn before',
        '  not delay/4, Approved: the catalogue does not have its data, so nobody can say that it is clean',
        `  instead: no clean version of delay: publish 'flights' again`,
      ].join('\n'),
    );
  });

  test.each([true, false])(
    'says that online values of a stream remain, in a dry run or not (%s), and says nothing of it for files',
    (dryRun) => {
      const { plan } = REPORT as { plan: { totals: object } };
      const streamed = { ...(REPORT as object), dryRun, plan: { ...plan, totals: { ...plan.totals, 'of them from a stream': 1 } } };
      expect(withdrawalText(streamed as never)).toContain('\nremains: records of a stream stay in the online table and in features');
      expect(withdrawalText({ ...(REPORT as object), dryRun } as never)).not.toContain('remains:');
    },
  );

  test('says how many more there are than it names', () => {
    const many = { ...(REPORT as { plan: object }), plan: { totals: { files: 50 }, first: [] } } as never;
    expect(withdrawalText(many)).toContain('  and 50 more\n');
  });

  test.each([[{}], [{ reason: ' ' }], [{ yes: true }]])('refuses %j', (values) => {
    expect(() => requestOf('flights/b.csv', values)).toThrow('InvalidOption: --reason must say why');
  });

  test('a version that was barred cannot be gone back to', () => {
    const rows = [{ entry: 'mark#000002', reason: 'withdrawn', why: 'dataset d was withdrawn: wrong sensor' }];
    const approvals = new Map([2, 3].map((version) => [version, 'Approved']));
    expect(() => planRollback({ model: 'delay', approvals, rows, live: 3, to: 2 })).toThrow(
      'WithdrawnVersion: version 2 of delay was trained on data that was withdrawn (dataset d was withdrawn: wrong sensor): take another one',
    );
  });
});
