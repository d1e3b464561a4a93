import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { makeHandler as makeTrigger } from '../../../runtime/training-trigger/handler';
import { requestOf } from '../../../runtime/data-recall/core';
import { runs } from '../../support/property-runs';
import { CATALOGUE } from '../dataset-builder/setting';
import { BUCKETS, TABLE } from '../intake/world';
import { arnOf, Recalled, Setting } from './setting';

const FILE = { thing: 'simple/b.csv' };

/** What the parts beside a report list, line by line. */
function entries({ world }: Setting, { report, parts }: Recalled): Record<string, unknown>[] {
  const folder = report.key.replace('report.json', '');
  return Array.from({ length: parts }, (_, i) => `${folder}part-${String(i + 1).padStart(4, '0')}.jsonl`)
    .map((name) =>
      world.s3
        .current(BUCKETS.validated)
        .find(({ key }) => key === name)!
        .bytes.toString(),
    )
    .flatMap((text) => text.trim().split('\n'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('a withdrawal [D10]', () => {
  test('that is a dry run says all that it would do, and writes nothing but that it looked', async () => {
    const made = await Setting.make();
    const before = made.state();
    const report = await made.withdraw(FILE, { dryRun: true });
    expect(made.state()).toEqual(before);
    expect(made.writes.filter((write) => !/^(Put|Update)Command ledger .*"pk":"withdrawing"/.test(write))).toEqual([
      `PutObjectCommand ${report.report.key}`,
    ]);
    expect(report.plan.totals).toEqual({
      ...{ files: 1, 'dataset versions': 1, 'model versions': 2, 'of them serving': 1, predictions: 2, uncertain: 1 },
    });
    expect(report.plan.first).toMatchObject([
      { what: 'file', key: 'simple/b.csv', counted: true },
      { what: 'dataset version', dataset: made.approvals.get(2)!.dataset },
    ]);
    expect(report.models).toMatchObject([
      { model: 'delay', versions: [{ version: 3, live: true }, { version: 2 }], clean: { version: 4 } },
    ]);
  });

  test('takes the file out of the data, ends queries, bars what was trained on it but for what serves, and leaves a report that names all', async () => {
    const made = await Setting.make();
    const report = await made.withdraw(FILE);
    expect(made.status()).toEqual(['Approved', 'Rejected', 'Approved', 'PendingManualApproval']);
    expect(made.marks()).toEqual({ 'mark#000002': 'withdrawn' });
    expect(made.approvals.get(2)!.description).toMatch(/^execution-1: dataset [0-9a-f]{64} was withdrawn: wrong sensor$/);
    expect(report.totals).toMatchObject({
      ...{ 'files withdrawn': 1, 'dataset versions withdrawn': 1, 'model versions barred': 1 },
      ...{ 'model versions left alone, for they serve': 1, predictions: 2, uncertain: 1 },
    });
    expect(entries(made, report)).toMatchObject([
      { outcome: 'files withdrawn', key: 'simple/b.csv' },
      { outcome: 'dataset versions withdrawn', dataset: made.approvals.get(2)!.dataset, queries: 'ended' },
      { outcome: 'model versions left alone, for they serve', versionArn: arnOf(3) },
      { outcome: 'model versions barred', versionArn: arnOf(2) },
      { outcome: 'predictions', id: 'late', uncertain: 0 },
      { outcome: 'predictions', id: 'amid', uncertain: 1 },
    ]);
    const stored = made.world.s3.current(BUCKETS.validated).find(({ key }) => key === report.report.key)!;
    expect({ ...JSON.parse(stored.bytes.toString()), report: report.report }).toEqual(JSON.parse(JSON.stringify(report)));
    await made.send('c');
    const { objects } = made.builder.manifestOf(await made.build());
    expect(objects.map(({ source }) => source)).toEqual(['simple/a.csv', 'simple/c.csv']);
  });

  test('says of an object of a stream that it is one, and which records it holds, because their online values remain', async () => {
    const made = await Setting.make();
    const { pk } = made.world.rows().find(({ key }) => key === FILE.thing)!;
    const batch = { stream: 's', shard: 'shardId-0', first: '1', last: '9', records: 2 };
    const values = { ':batch': batch };
    await made.world.db.client.send(
      new UpdateCommand({ TableName: TABLE, Key: { pk }, UpdateExpression: 'SET batch = :batch', ExpressionAttributeValues: values }),
    );
    for (const dryRun of [true, false]) {
      const report = await made.withdraw(FILE, { dryRun });
      expect(report.plan.totals).toMatchObject({ files: 1, 'of them from a stream': 1 });
      expect(report.plan.first[0]).toMatchObject({ key: FILE.thing, batch, accountedAt: expect.any(String) as string });
      expect(dryRun ? batch : entries(made, report)[0].batch).toEqual(batch);
    }
  });

  test('ends queries of what it withdrew at once, and of nothing else', async () => {
    const made = await Setting.make();
    const [clean, dirty] = [1, 2].map((version) => made.approvals.get(version)!.dataset);
    expect(made.queried().sort()).toEqual([clean, dirty].sort());
    await made.withdraw(FILE);
    expect(made.queried()).toEqual([clean]);
    const kept = made.world.s3.versions.filter(({ key, deleteMarker }) => key.includes(`dataset_version=${dirty}`) && !deleteMarker);
    expect(kept).toHaveLength(1);
    await made.withdraw({ thing: clean });
    expect(made.queried()).toEqual([]);
  });

  test('looks into no version of a model whose description names other data', async () => {
    const made = await Setting.make();
    await made.withdraw(FILE, { dryRun: true });
    expect(new Set(made.described)).toEqual(new Set([2, 3, 4]));
    made.approvals.get(1)!.told = 'registered by hand';
    await made.withdraw(FILE, { dryRun: true });
    expect(new Set(made.described)).toEqual(new Set([1, 2, 3, 4]));
  });

  test('offers no version whose data an earlier withdrawal took, whether it serves or was registered after that', async () => {
    const made = await Setting.make();
    const [first, second] = [1, 2].map((version) => made.approvals.get(version)!.dataset);
    await made.withdraw({ thing: second });
    made.approvals.set(5, { approval: 'PendingManualApproval', dataset: second });
    for (const dryRun of [true, false]) {
      const { models } = await made.withdraw({ thing: first }, { dryRun });
      expect(models).toMatchObject([
        {
          passedOver: [
            { version: 5, arn: arnOf(5), dataset: second, data: 'withdrawn' },
            { version: 3, arn: arnOf(3), dataset: second, data: 'withdrawn' },
          ],
        },
      ]);
      expect(models[0].clean).toBeUndefined();
    }
  });

  test('offers the newest version of data that is in the catalogue, and names those above it of which nobody can say what they were trained on', async () => {
    const made = await Setting.make();
    made.approvals.set(5, { approval: 'Approved', dataset: 'f'.repeat(64) });
    made.approvals.set(6, { approval: 'Approved', dataset: undefined as never, told: 'registered by hand' });
    const { models } = await made.withdraw(FILE);
    expect(models).toMatchObject([
      {
        clean: { version: 4 },
        passedOver: [
          { version: 6, data: 'unknown' },
          { version: 5, dataset: 'f'.repeat(64), data: 'unknown' },
        ],
      },
    ]);
  });

  test('offers only what is published and was never withdrawn, whatever was withdrawn in which order', async () => {
    const orders = fc.tuple(fc.subarray([0, 1, 2], { minLength: 1 }), fc.array(fc.nat(3), { minLength: 1, maxLength: 6 }), fc.nat(2));
    await fc.assert(
      fc.asyncProperty(orders, async ([before, trainedOn, last]) => {
        const made = await Setting.make();
        await made.send('c');
        const datasets = [...[1, 2].map((version) => made.approvals.get(version)!.dataset), (await made.build()).id, 'e'.repeat(64)];
        made.approvals.clear();
        trainedOn.forEach((n, i) => made.approvals.set(i + 1, { approval: 'Approved', dataset: datasets[n] }));
        made.live = trainedOn.length;
        for (const n of [...before, last]) {
          const { models } = await made.withdraw({ thing: datasets[n] });
          const gone = new Set([...made.versions()].flatMap(({ id, withdrawal }) => (withdrawal === undefined ? [] : id)));
          const clean = [...made.approvals].filter(([, { dataset }]) => datasets.indexOf(dataset) < 3 && !gone.has(dataset)).at(-1);
          expect(models.map((model) => model.clean?.version)).toEqual(trainedOn.includes(n) ? [clean?.[0]] : []);
        }
      }),
      { numRuns: runs(30) },
    );
  });

  test('bars the version that served when it runs again after another one has taken its place', async () => {
    const made = await Setting.make();
    await made.withdraw(FILE);
    made.live = 4;
    made.world.pass(60);
    const again = await made.withdraw(FILE, { requestedBy: 'ben' });
    expect(again.totals['model versions left alone, for they serve']).toBeUndefined();
    expect(made.status()).toEqual(['Approved', 'Rejected', 'Rejected', 'PendingManualApproval']);
    const rows = made.world.db.items<{ key: string; withdrawnBy?: string }>(TABLE);
    expect(rows.find(({ key }) => key === 'simple/b.csv')!.withdrawnBy).toBe('anna');
  });

  test('comes to the same end whichever call breaks once, and names each thing once', async () => {
    const whole = await Setting.make();
    const ended = entries(whole, await whole.withdraw(FILE));
    let [broken, nth] = [0, 0];
    for (let calls = 1; calls > 0; nth++) {
      const made = await Setting.make();
      calls = 0;
      let seen = 0;
      made.before = () => {
        if (seen++ === nth) {
          calls++;
          throw new Error('broken');
        }
      };
      const report = await made.withdraw(FILE);
      broken += calls;
      expect(made.state()).toEqual(whole.state());
      expect(entries(made, report).map(({ outcome }) => outcome)).toEqual(ended.map(({ outcome }) => outcome));
    }
    expect(broken).toBeGreaterThan(40);
  });

  test('that is stopped anywhere is completed by the same request', async () => {
    const whole = await Setting.make();
    await whole.withdraw(FILE);
    let [stopped, ended] = [0, false];
    for (let nth = 0; !ended; nth += 3) {
      const made = await Setting.make();
      let seen = 0;
      made.before = () => {
        if (seen++ >= nth) {
          throw new Error('stopped');
        }
      };
      ended = await made.withdraw(FILE).then(
        () => true,
        () => false,
      );
      stopped += ended ? 0 : 1;
      made.before = () => undefined;
      made.world.pass(1201);
      await made.withdraw(FILE, { requestedBy: 'ben' });
      expect(made.state()).toEqual(whole.state());
    }
    expect(stopped).toBeGreaterThan(12);
  });

  test('goes on in the next step when the time of one is over, and lists each thing once', async () => {
    const [whole, made] = [await Setting.make(), await Setting.make()];
    const ended = entries(whole, await whole.withdraw(FILE));
    const report = await made.withdraw(FILE, {}, () => 0);
    expect(made.state()).toEqual(whole.state());
    expect(entries(made, report).map(({ outcome }) => outcome)).toEqual(ended.map(({ outcome }) => outcome));
    expect(report.parts).toBeGreaterThan(4);
    expect((await made.withdraw(FILE, { dryRun: true }, () => 0)).plan.totals).toMatchObject({ 'predictions at least': 0 });
  });

  test('during a build: the version that has the file is not published, and cannot be queried', async () => {
    const made = await Setting.make();
    const before = made.queried();
    await made.send('c');
    let done: Promise<unknown> | undefined;
    made.world.s3.before = async (operation, { key }) => {
      if (operation === 'PutObject' && key.endsWith('/manifest.json') && done === undefined) {
        done = made.withdraw(FILE);
        await done;
      }
    };
    await expect(made.build()).rejects.toThrow('WithdrawnMeanwhile');
    expect(done).toBeDefined();
    expect(made.versions()).toHaveLength(2);
    expect(made.queried()).toEqual(before.filter((id) => id !== made.approvals.get(2)!.dataset));
    const { objects } = made.builder.manifestOf(await made.build());
    expect(objects.map(({ source }) => source)).toEqual(['simple/a.csv', 'simple/c.csv']);
  });

  test('during a build of the version that it withdraws: what the builder writes late is taken back', async () => {
    const made = await Setting.make();
    const before = made.queried();
    await made.send('c');
    let withdrawn: string | undefined;
    made.world.s3.before = async (operation, { key }) => {
      if (withdrawn === undefined && operation === 'PutObject' && key.includes('dataset_version=')) {
        withdrawn = 'soon';
        const { id } = await made.build();
        expect(made.queried()).toContain(id);
        await made.withdraw({ thing: id });
        expect(made.queried()).not.toContain(id);
        withdrawn = id;
      }
    };
    await expect(made.build()).rejects.toThrow('WithdrawnDataset');
    expect(made.versions().map(({ id }) => id)).toContain(withdrawn);
    expect(made.queried()).toEqual(before);
  });

  test('leaves alone what came after it began: that may be the file that corrects', async () => {
    const made = await Setting.make();
    let versionId: string | undefined;
    made.before = async (name) => {
      if (name === 'TransactWriteCommand' && versionId === undefined) {
        made.world.pass(60);
        versionId = await made.send('corrected', 'b');
        throw new Error('the step dies and is tried again');
      }
    };
    const report = await made.withdraw(FILE);
    expect([report.totals['files withdrawn'], report.totals['dataset versions withdrawn']]).toEqual([1, 1]);
    expect(made.world.rows().find((row) => row.versionId === versionId)!.withdrawal).toBeUndefined();
  });

  test('of a dataset version: it is neither published nor trained on again; its files stay', async () => {
    const made = await Setting.make();
    const { dataset: id } = made.approvals.get(2)!;
    const report = await made.withdraw({ thing: id });
    expect(report.totals).toMatchObject({ 'dataset versions withdrawn': 1 });
    expect(report.totals['files withdrawn']).toBeUndefined();
    expect(made.marks()).toEqual({ 'mark#000002': 'withdrawn' });
    await expect(made.build()).rejects.toThrow(
      `WithdrawnDataset: what is accounted for is version ${id}, which was withdrawn (wrong sensor)`,
    );
    await made.send('c');
    expect((await made.build()).files).toBe(3);
    const trigger = makeTrigger({
      ...{ catalogue: CATALOGUE, dynamo: made.world.db.client, runsTable: 'runs', stateMachine: 'machine' },
      settings: { dataset: 'simple', parameters: {}, prefix: 'air', model: 'delay' },
    } as never);
    await expect(trigger({ trigger: 'hand', datasetId: id } as never)).rejects.toThrow(/^WithdrawnDataset: /);
  });

  test('of one version of an object takes that alone', async () => {
    const made = await Setting.make();
    const older = made.world.rows().find(({ key }) => key === 'simple/b.csv')!.versionId;
    await made.send('corrected', 'b');
    expect((await made.withdraw({ ...FILE, version: older })).plan.first).toMatchObject([{ versionId: older }, {}]);
    expect((await made.build()).files).toBe(2);
  });

  test('in a replay takes every prediction for touched, because its time does not tell who made it', async () => {
    const made = await Setting.make();
    made.replayed = true;
    expect((await made.withdraw(FILE, { dryRun: true })).plan.totals).toMatchObject({ predictions: 3, uncertain: 3 });
  });

  test('does not wait for another operation of the intake, but for another withdrawal', async () => {
    const made = await Setting.make();
    made.world.pass(1);
    let second: Promise<unknown> | undefined;
    made.before = (name) => {
      if (name === 'TransactWriteCommand') {
        second ??= made.withdraw(FILE).catch((error: Error) => error.message);
      }
    };
    await made.withdraw(FILE);
    expect(await second).toMatch(/^OperationUnderWay: withdraw execution-1/);
  });

  test.each([
    ['other/none.csv', /^UnknownThing: 'other\/none.csv' is neither an object key nor a dataset version of simple$/],
    ['simple/none.csv', /^UnknownThing: the ledger has no file 'simple\/none.csv'$/],
    ['f'.repeat(64), /^UnknownThing: /],
    ['simple/wrong.csv', /^NothingToWithdraw: 'simple\/wrong.csv' is rejected: only what is accounted for has records/],
  ])('of %s is refused, and another one may begin at once', async (thing, expected) => {
    const made = await Setting.make();
    await made.world.attempt(made.world.send('simple/wrong.csv', 'wrong\n'));
    const before = made.state();
    const refused = made.withdraw({ thing });
    await expect(refused).rejects.toThrow(expected);
    await expect(refused).rejects.toMatchObject({ name: 'OperationRefused' });
    expect(made.state()).toEqual(before);
    expect((await made.withdraw(FILE)).interrupted).toBeUndefined();
  });

  test.each([
    [{}, "'selection.thing' must be an object key or the id of a dataset version, got nothing"],
    [{ thing: '' }, "'selection.thing' must be an object key"],
    [{ thing: 'a', version: 1 }, "'selection.version' must be the id of an object's version, got 1"],
    [{ thing: 'f'.repeat(64), version: 'v' }, "'selection.version' is for an object"],
    [{ thing: 'a', key: 'b' }, "'selection.key' is not known: known are thing, version"],
  ])('with the selection %j is refused: %s', (selection, problem) => {
    const input = { operation: 'withdraw', dryRun: false, reason: 'why', requestedBy: 'anna', selection };
    expect(() => requestOf(input)).toThrow(problem);
  });
});
