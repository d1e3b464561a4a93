import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { requestOf } from '../../operations/intake';
import { OperationMachine, OperationReport } from '../../operations/operation-machine';
import { planText, reportText, wouldDo } from '../../operations/operation-text';
import { FakeWorkload } from './fakes';

const REPORT: OperationReport = {
  ...{ id: 'x', dataset: 'flights', operation: 'revalidate', dryRun: true, contract: 'c'.repeat(64), startedAt: '', endedAt: '' },
  ...{ reason: '', requestedBy: 'anna', selection: {} },
  plan: { totals: { files: 21, rejected: 0, records: 80789 }, first: [{ key: 'flights/a.csv', versionId: 'v1', records: 9893 }] },
  before: { files: 9, valid: 80786, contracts: { a: 9 } },
  ...{ totals: {}, failed: [], parts: 0, report: { bucket: 'validated', key: 'flights/operations/x/report.json' } },
};
const asked = { operation: 'revalidate', dryRun: true, reason: '', requestedBy: 'anna', selection: {} };

async function execute(made: FakeWorkload, dataset?: string) {
  const machine = OperationMachine.ofIntake(made.clients, await made.workload(), dataset);
  machine.pause = () => Promise.resolve();
  const said: string[] = [];
  return { said, report: await machine.execute(asked, (line) => void said.push(line)) };
}

describe('npm run intake [D6]', () => {
  test('starts the machine of the only intake, says how far it is, and answers with its report', async () => {
    const made = new FakeWorkload();
    made.ends.push({ status: 'SUCCEEDED', output: JSON.stringify(REPORT) });
    made.tables.ledger.push({ pk: 'operation', id: 'execution', progress: { totals: { judged: 3, released: 1 } } });
    let looks = 0;
    made.running = () => ++looks < 3;
    const { said, report } = await execute(made);
    expect(JSON.parse(made.started[0])).toEqual(asked);
    expect(report).toEqual(REPORT);
    expect(said).toEqual(['judged 3, released 1', 'judged 3, released 1']);
  });

  test('does not take the figures of another execution for its own', async () => {
    const made = new FakeWorkload();
    made.ends.push({ status: 'SUCCEEDED', output: JSON.stringify(REPORT) });
    made.tables.ledger.push({ pk: 'operation', id: 'other', progress: { totals: { judged: 3 } } });
    let looks = 0;
    made.running = () => ++looks < 2;
    expect((await execute(made)).said).toEqual(['looking']);
  });

  test.each([
    ['{"errorType":"OperationRefused","errorMessage":"OperationUnderWay: rerun first"}', 'OperationUnderWay: rerun first'],
    ['plain', 'plain'],
  ])('fails with what the machine says: %s', async (cause, message) => {
    const made = new FakeWorkload();
    made.ends.push({ status: 'FAILED', error: 'States.Timeout', cause });
    await expect(execute(made)).rejects.toThrow(`OperationFailed: FAILED: States.Timeout: ${message}: see https://us-east-1.console`);
  });

  test('says what was refused, which is no failure of the machine', async () => {
    const made = new FakeWorkload();
    made.ends.push({ status: 'SUCCEEDED', output: JSON.stringify({ refused: 'OperationUnderWay: rerun first' }) });
    await expect(execute(made)).rejects.toThrow('OperationRefused: OperationUnderWay: rerun first');
  });

  test('names the datasets that there are when it is given another', async () => {
    await expect(execute(new FakeWorkload(), 'flight')).rejects.toThrow(
      "UnknownDataset: there is no 'flight': name one with --dataset; known: flights",
    );
  });

  test('says what would be done as a table, and when there is nothing to do', () => {
    expect(planText(REPORT)).toBe(
      [
        'revalidate of flights, contract cccccccccccc, would deal with',
        '  files     21',
        '  rejected  0',
        '  records   80789',
        'the first 1:',
        '  key            versionId  records',
        '  flights/a.csv  v1         9893',
      ].join('\n'),
    );
    const nothing = { ...REPORT, interrupted: 'y', plan: { totals: { messages: 0 }, first: [] } };
    expect(planText(nothing)).toMatch(/^The execution before, y, ended without a report.*There is nothing to do\.$/s);
    expect([wouldDo(REPORT), wouldDo(nothing)]).toEqual([true, false]);
  });

  test('says what was done, the books before and after, what failed, and where the report is', () => {
    const failed = [{ outcome: 'failed', key: 'flights/b.csv', why: 'gone' }];
    const done = { ...REPORT, totals: { judged: 8, released: 3, failed: 1 }, after: { files: 9, valid: 80789 }, failed };
    expect(reportText(done)).toBe(
      [
        'revalidate of flights did',
        '  judged    8',
        '  released  3',
        '  failed    1',
        '  in the books  before  after',
        '  files         9       9',
        '  valid         80786   80789',
        'failed:',
        '  key            why',
        '  flights/b.csv  gone',
        'report: s3://validated/flights/operations/x/report.json',
      ].join('\n'),
    );
    expect(reportText({ ...done, after: { deadLetters: 2 } })).toContain('2 messages are in the dead-letter queue still');
  });

  test.each([
    ['remove', {}, "the operation must be one of redrive, revalidate, rerun, got 'remove'"],
    ['rerun', { yes: true }, '--yes needs --reason'],
    ['rerun', { yes: true, reason: ' ' }, '--yes needs --reason'],
    ['redrive', { prefix: 'a' }, 'redrive takes neither --prefix nor --all'],
    ['redrive', { all: true }, 'redrive takes neither --prefix nor --all'],
    ['revalidate', { all: true }, '--all is for rerun'],
  ])('refuses %s with %j', (operation, values, problem) => {
    expect(() => requestOf(operation, values)).toThrow(problem);
  });

  test('hands on which files are meant', () => {
    expect(requestOf('rerun', { prefix: 'flights/a', all: true, reason: 'why' })).toMatchObject({
      ...{ operation: 'rerun', reason: 'why', selection: { prefix: 'flights/a', all: true } },
    });
    expect(requestOf('redrive', {}).selection).toEqual({});
  });

  test('ends with 2 and its usage when it is called wrongly', () => {
    const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', join(__dirname, '../../operations/intake.ts')], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toContain('Usage: npm run intake -- redrive|revalidate|rerun');
  });
});
