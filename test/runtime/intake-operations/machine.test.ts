import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { requestOf } from '../../../runtime/intake-operations/core';
import { makeHandler } from '../../../runtime/intake-operations/handler';
import { OperationRefused } from '../../../runtime/operation/core';
import { StepInput, stepsHandler } from '../../../runtime/operation/steps';
import { simpleFile } from '../intake/simple-files';
import { TABLE } from '../intake/world';
import { Arena } from './machine';

const asked = { operation: 'rerun', dryRun: false, reason: 'why', requestedBy: 'anna' };

describe('an operation on an intake [D6]', () => {
  test('is a dry run of the whole unless it says otherwise', () => {
    expect(requestOf({ operation: 'revalidate' })).toEqual({
      ...{ operation: 'revalidate', dryRun: true, reason: '', requestedBy: '', selection: {} },
    });
  });

  test.each([
    [undefined, "'operation' must be one of redrive, revalidate, rerun, rebuild, got nothing"],
    [{ ...asked, operation: 'delete' }, '\'operation\' must be one of redrive, revalidate, rerun, rebuild, got "delete"'],
    [{ ...asked, dryRun: 'no' }, '\'dryRun\' must be true or false, got "no"'],
    [{ ...asked, reason: ' ' }, "'reason' must say why: the report is the audit trail"],
    [{ ...asked, requestedBy: '' }, "'requestedBy' must say who asks: the report is the audit trail"],
    [{ ...asked, reason: 'x'.repeat(1001) }, "'reason' must be a text of at most 1000 characters"],
    [{ ...asked, dryrun: true }, "'dryrun' is not known: known are operation, dryRun, reason, requestedBy, selection"],
    [{ ...asked, selection: 'a' }, '\'selection\' must be an object, got "a"'],
    [{ ...asked, selection: { prefix: 1 } }, "'selection.prefix' must be a text, got 1"],
    [{ ...asked, selection: { all: 'yes' } }, '\'selection.all\' must be true or false, got "yes"'],
    [{ ...asked, selection: { keys: [] } }, "'selection.keys' is not known: known are prefix, all"],
    [{ ...asked, operation: 'redrive', selection: { prefix: 'a' } }, "'selection' must be empty for redrive"],
    [{ ...asked, operation: 'rebuild', selection: { prefix: 'a' } }, "'selection' must be empty for rebuild"],
    [{ ...asked, operation: 'revalidate', selection: { all: true } }, "'selection.all' is for rerun"],
  ])('refuses %j and says why', (input, problem) => {
    expect(() => requestOf(input)).toThrow(problem);
    expect(() => requestOf(input)).toThrow(/^InvalidOperation: /);
  });

  test('names every problem of its input at once, and changes nothing', async () => {
    const world = new Arena();
    await expect(world.operate({ operation: 'x', reason: '', requestedBy: '' })).rejects.toThrow(/'operation'.*'reason'.*'requestedBy'/);
    expect(world.db.items(TABLE)).toEqual([]);
  });

  test('refuses to run beside another one of its intake, and says which', async () => {
    const world = new Arena();
    const step = makeHandler(world.deps());
    await step({ action: 'Begin', id: 'first', input: asked });
    const second = step({ action: 'Begin', id: 'second', input: { operation: 'redrive' } });
    await expect(second).rejects.toThrow(
      'OperationUnderWay: rerun first, asked for by anna at 2026-03-01T00:00:00.000Z, holds this intake: wait for it; if it was aborted, until 2026-03-01T00:20:00.000Z',
    );
    await expect(second).rejects.toMatchObject({ name: 'OperationRefused' });
  });

  test('is not begun while the intake is frozen, but planned', async () => {
    const world = new Arena();
    const Item = { pk: 'freeze', until: '2026-03-01T01:00:00.000Z', by: 'ben', reason: 'audit' };
    await world.db.client.send(new PutCommand({ TableName: TABLE, Item }));
    await expect(world.operate(asked)).rejects.toThrow(
      'IntakeFrozen: by ben until 2026-03-01T01:00:00.000Z: audit: wait, or end the freeze',
    );
    expect((await world.operate({ ...asked, dryRun: true })).plan.totals.files).toBe(0);
    world.pass(3600);
    expect((await world.operate(asked)).error).toBeUndefined();
  });

  test('that is refused is an answer of the first step; later ones fail, and so does what nobody expected', async () => {
    const Begin: StepInput<never> = { action: 'Begin', id: 'x', input: {} };
    const Work: StepInput<never> = { action: 'Work', begun: {} as never };
    const context = { getRemainingTimeInMillis: () => 1 } as never;
    const failing = (error: Error) =>
      stepsHandler<never>(
        () => () => Promise.reject(error),
        () => undefined,
      );
    expect(await failing(new OperationRefused('no'))(Begin, context)).toEqual({ refused: 'no' });
    await expect(failing(new OperationRefused('no'))(Work, context)).rejects.toThrow('no');
    await expect(failing(new Error('AccessDenied'))(Begin, context)).rejects.toThrow('AccessDenied');
  });

  test('of two that begin at the same moment one runs', async () => {
    const world = new Arena();
    const begin = (id: string) => makeHandler(world.deps())({ action: 'Begin', id, input: asked });
    const both = await Promise.allSettled([begin('a'), begin('b')]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('may begin its own step again, holds its lease to the second, and names the one that it found without an end', async () => {
    const world = new Arena();
    const step = makeHandler(world.deps());
    await step({ action: 'Begin', id: 'first', input: asked });
    await step({ action: 'Begin', id: 'first', input: asked });
    world.pass(1200);
    await expect(step({ action: 'Begin', id: 'second', input: asked })).rejects.toThrow('OperationUnderWay');
    world.pass(0.001);
    expect(await step({ action: 'Begin', id: 'second', input: asked })).toMatchObject({ interrupted: 'first' });
    await expect(
      step({
        action: 'Work',
        begun: {
          run: { id: 'first', dataset: 'simple', startedAt: '', request: requestOf(asked) },
          plan: { totals: {}, first: [] },
          before: {},
        },
      }),
    ).rejects.toThrow('OperationUnderWay: rerun second');
  });

  test('gives its lease back when it ends, and when it cannot plan', async () => {
    const world = new Arena();
    await world.operate({ operation: 'rerun' });
    world.db.before = (name) => {
      if (name === 'Scan') {
        throw new Error('AccessDenied');
      }
    };
    await expect(world.operate({ operation: 'rerun' })).rejects.toThrow('AccessDenied');
    world.db.before = () => undefined;
    expect((await world.operate({ operation: 'rerun' })).interrupted).toBeUndefined();
  });

  test('that cannot go on leaves a report of what it did until then, and why it ended', async () => {
    const world = new Arena();
    for (const name of ['a', 'b']) {
      await world.take(world.send(`simple/${name}.csv`, simpleFile(name)));
    }
    world.deployed = 'loose';
    let pages = 0;
    world.db.pageSize = 1;
    world.db.before = (name, input) => {
      if (name === 'Scan' && (input.ExclusiveStartKey as { pk?: object } | undefined) !== undefined && ++pages > 20) {
        throw new Error('AccessDenied');
      }
    };
    await expect(world.operate({ operation: 'rerun' })).rejects.toThrow();
    world.db.before = () => undefined;
    world.pass(1201);
    const reports = world.s3.versions.filter(({ key }) => key.endsWith('report.json'));
    expect(reports.length).toBeLessThanOrEqual(1);
    expect((await world.operate({ operation: 'rerun' })).error).toBeUndefined();
    expect(world.problems()).toEqual([]);
  });
});
