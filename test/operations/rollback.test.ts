import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { rollBack, RollbackOptions } from '../../operations/rollback';
import { arnOf, FakeWorkload } from './fakes';

const at = new Date('2013-07-01T00:00:00Z');
const marksOf = (world: FakeWorkload) =>
  Object.fromEntries(
    world.tables.releases.filter(({ entry }) => String(entry).startsWith('mark#')).map(({ entry, reason }) => [entry, reason]),
  );

/** The endpoint serves version 3 of three approved ones. */
function world(): FakeWorkload {
  const made = new FakeWorkload();
  made.approve(1, 2, 3);
  made.live = 3;
  return made;
}

/** What the machine would do, look by look: a release under way, then its end. */
function releasing(made: FakeWorkload, to: number, state = 'released', reason?: string): void {
  let look = 0;
  made.running = () => {
    look++;
    const row = { model: 'delay', entry: 'release#2013-07-01T00:00:01Z#x', state: 'updating', to: arnOf(to), from: arnOf(3) };
    if (look === 2) {
      made.tables.releases.push(row);
    }
    if (look === 3) {
      made.tables.releases.splice(
        made.tables.releases.findIndex(({ entry }) => entry === row.entry),
        1,
        { ...row, state, reason },
      );
      made.live = state === 'released' ? to : made.live;
    }
    return look < 3;
  };
}

async function back(made: FakeWorkload, given: Partial<RollbackOptions> = {}) {
  const said: string[] = [];
  let now = at.getTime();
  const options: RollbackOptions = {
    ...{ model: 'delay', reason: 'too slow', by: 'anna' },
    now: () => new Date(now),
    pause: async () => void (now += 2000),
    say: (text) => void said.push(text),
    ...given,
  };
  const outcome = await rollBack(made.clients, await made.workload(), options);
  return { outcome, said };
}

describe('npm run rollback [R3]', () => {
  test('goes to the newest approved version below the live one, says who and why, and waits until it serves', async () => {
    const made = world();
    releasing(made, 2);
    const { outcome, said } = await back(made);
    expect(outcome).toEqual({ from: 3, to: 2, seconds: 4 });
    expect(made.tables.releases[0]).toEqual({
      ...{ model: 'delay', entry: 'mark#000003', reason: 'rolled back', why: 'too slow' },
      ...{ by: 'anna', at: at.toISOString() },
    });
    expect(made.started).toEqual(['{"model":"delay"}']);
    expect(said).toEqual([
      'from version 3 to version 2; marking 3',
      'the release machine decides (0 s)',
      'release of version 2 is updating, the endpoint is InService (2 s)',
    ]);
  });

  test('--to marks every approved version above, keeps marks that are there, and takes the one of its target away', async () => {
    const made = world();
    made.approve(4);
    made.versions.set(5, { approval: 'PendingManualApproval', metadata: {} });
    for (const [version, reason] of [
      [1, 'failed'],
      [4, 'refused'],
    ]) {
      made.tables.releases.push({ model: 'delay', entry: `mark#00000${version}`, reason });
    }
    releasing(made, 1);
    await back(made, { to: 1 });
    expect(marksOf(made)).toEqual({ 'mark#000002': 'rolled back', 'mark#000003': 'rolled back', 'mark#000004': 'refused' });
  });

  test('started again while it goes on, it writes nothing new and watches on', async () => {
    const made = world();
    made.tables.releases.push({ model: 'delay', entry: 'mark#000003', reason: 'rolled back', by: 'anna' });
    made.tables.releases.push({ model: 'delay', entry: 'release#2013-06-30', state: 'updating', to: arnOf(2) });
    made.running = () => {
      made.tables.releases[1].state = 'released';
      made.live = 2;
      return false;
    };
    expect((await back(made, { by: 'bert' })).outcome).toMatchObject({ to: 2 });
    expect(made.tables.releases[0].by).toBe('anna');
  });

  test('stops a newer version that is to be released, though its target serves', async () => {
    const made = world();
    made.live = 2;
    await back(made, { to: 2 });
    expect(marksOf(made)).toEqual({ 'mark#000003': 'rolled back' });
  });

  test.each([
    ['failed', 'the endpoint rolled back'],
    ['stuck', 'UPDATE_ROLLBACK_FAILED'],
  ])('fails on a release that ends %s, with its reason and where to look', async (state, reason) => {
    const made = world();
    releasing(made, 2, state, reason);
    await expect(back(made)).rejects.toThrow(
      `RollbackFailed: version 2 of delay does not serve: its release is ${state}: ${reason}: see docs/runbooks/delivery.md#release-stuck`,
    );
  });

  test('fails on a target that the machine refuses, and on a release without end', async () => {
    const refused = world();
    refused.running = () => {
      refused.tables.releases.push({ model: 'delay', entry: 'mark#000002', reason: 'refused', why: 'no lineage' });
      return false;
    };
    await expect(back(refused)).rejects.toThrow('version 2 is marked refused: no lineage');
    const endless = world();
    endless.running = () => true;
    await expect(back(endless)).rejects.toThrow(/does not serve after 108\d\d s: the release machine decides/);
  });

  test('fails on marks that change at this moment, and asks to run it again', async () => {
    const made = world();
    const send = made.clients.tables.send.bind(made.clients.tables);
    made.clients.tables.send = (async (command: { constructor: { name: string } }) => {
      if (command.constructor.name === 'TransactWriteCommand') {
        made.tables.releases.push({ model: 'delay', entry: 'mark#000003', reason: 'failed' });
      }
      return send(command as never);
    }) as never;
    await expect(back(made)).rejects.toThrow('MarksChanged');
    expect([made.started, marksOf(made)]).toEqual([[], { 'mark#000003': 'failed' }]);
  });

  test.each<[string, Partial<RollbackOptions>, string]>([
    ['a misspelt model', { model: 'delays' }, "UnknownModel: 'delays' is no trained model of air-dev: did you mean 'delay'?"],
    ['a model without training', { model: 'plain' }, "UnknownModel: 'plain' is no trained model of air-dev: known: delay"],
    ['a version that is not there', { to: 9 }, 'UnknownVersion: delay has no version 9: approved versions are 3, 2, 1'],
    ['the version that serves', { to: 3 }, 'AlreadyLive: version 3 of delay serves'],
  ])('fails on %s and changes nothing', async (_, given, message) => {
    const made = world();
    await expect(back(made, given)).rejects.toThrow(message);
    expect([made.started, made.tables.releases]).toEqual([[], []]);
  });

  test('fails on a version that is not approved, on nothing below, and on nothing live', async () => {
    const made = world();
    made.versions.set(2, { approval: 'Rejected', metadata: {} });
    await expect(back(made, { to: 2 })).rejects.toThrow(
      'NotApproved: version 2 of delay is Rejected: approve it first, or take one of 3, 1',
    );
    made.tables.releases.push({ model: 'delay', entry: 'mark#000001', reason: 'failed' });
    await expect(back(made)).rejects.toThrow(
      'NothingBelow: no approved version of delay without a mark is below the live one, 3: --to takes',
    );
    made.live = undefined;
    await expect(back(made)).rejects.toThrow('NothingLive: no registered version of delay serves: name the version with --to');
  });
});

describe('the command line', () => {
  const run = (program: string, ...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', `operations/${program}.ts`, ...args], {
      cwd: join(__dirname, '../..'),
      encoding: 'utf8',
    });

  test.each([
    ['rollback', ['--help'], 0, /^Usage: npm run rollback -- <model>[^]*npm start -- --keep[^]*npm run --silent account -- env/],
    ['where', ['--help'], 0, /^Usage: npm run where -- <thing>[^]*npm run --silent account -- env/],
    ['rollback', ['delay', '--to', 'x'], 2, /^InvalidOption: --to must be the number of a version, from 1, got 'x'/],
    ['where', ['a', 'b'], 2, /^InvalidOption: give one argument, got 2/],
    ['rollback', ['delay', '--config', 'nowhere.yaml'], 1, /^InvalidConfig: there is no file 'nowhere.yaml'/],
  ])('%s %j ends with %d', (program, args, code, text) => {
    const { status, stdout, stderr } = run(program, ...args);
    const said = (code === 0 ? stdout : stderr).replace(/^\(node:[^]*?\(Use .*\n/, '');
    expect([status, said]).toEqual([code, expect.stringMatching(text)]);
  });
});
