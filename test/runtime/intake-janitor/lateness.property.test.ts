import fc from 'fast-check';
import { INTAKE_SECONDS, MAXIMUM_RECEIVES, SPLIT_SECONDS } from '../../../lib/constructs/data/data-intake/contract';
import type { FileRow } from '../../../runtime/intake/file-row';
import { dueOf, unaccounted } from '../../../runtime/intake-janitor/lateness';
import { isFinal } from '../../../runtime/shared/ledger-rows';
import { At, Service, START, TABLE } from '../../audit/service';
import { runs, seenAtLeast } from '../../support/property-runs';
import { janitorOf } from '../intake/janitor';
import { SIMPLE, simpleFile } from '../intake/simple-files';
import { World } from '../intake/world';

const MINUTE = 60;
const BOUND = 75 * MINUTE;
/** The longest that a contract may say; one more minute is refused where contracts are read. */
const LONGEST_LATENCY = 60 * MINUTE;

/** What becomes of an invocation: it is well, it throws, or the function is gone at that point. */
const FATES = ['well', 'throws', 'leased', 'mid-stream', 'both uploaded'] as const;
const fate = fc.constantFrom(...FATES);
const story = fc.record({
  /** Seconds until its event comes; none when that is lost. */
  event: fc.option(fc.constantFrom(0, 0, 1, 59, 600)),
  large: fc.boolean(),
  fates: fc.array(fate, { maxLength: 6 }),
  always: fate,
  /** Executions that are lost before they begin. */
  lost: fc.array(fc.boolean(), { maxLength: 2 }),
  alwaysLost: fc.boolean(),
  /** When somebody empties the queue. */
  purge: fc.option(fc.integer({ min: 1, max: 70 })),
  /** Minutes after which the contract wants to hear of a file. */
  latency: fc.constantFrom(1, 5, 20, 60),
  /** When the janitor runs for the first time, then every 5 minutes. */
  janitor: fc.integer({ min: 0, max: 299 }),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

async function invoke(service: Service, message: Service['messages'][number], what: Story['always']): Promise<void> {
  let die = () => undefined as void;
  const crashed = new Promise<void>((resolve) => (die = resolve));
  const at: At = (checkpoint) => {
    if (what === 'throws') {
      throw new Error('throws');
    }
    if (what !== checkpoint) {
      return undefined;
    }
    die();
    return new Promise<void>(() => undefined);
  };
  await service.invoke(message, at, crashed);
}

/** Lives through a story to a time, and says what became of its file at each step. */
async function live({ event, large, fates, always, lost, alwaysLost, purge, janitor, latency }: Story, until: number) {
  const service = new Service({ ...SIMPLE, newlinesQuoted: false }, 50);
  service.latencySeconds = latency * MINUTE;
  const { versionId } = service.arrive('simple/a.csv', Buffer.from(simpleFile('a', large ? 12 : 2)), event ?? undefined);
  const [fatesLeft, lostLeft] = [[...fates], [...lost]];
  const states: { second: number; final: boolean; dead: number; messages: number; executions: number; reported: boolean }[] = [];
  let executions = 0;
  for (let second = 0; second <= until; second += 20) {
    service.now = START.getTime() + second * 1000;
    for (const message of service.visible()) {
      await invoke(service, message, fatesLeft.shift() ?? always);
    }
    for (const file of service.started.splice(0)) {
      executions++;
      if (!(lostLeft.shift() ?? alwaysLost)) {
        await service.execute(file, false, undefined);
      }
    }
    if (purge !== null && second === purge * MINUTE) {
      // Not those that are received for the last time: whether such a one is purged or with the dead letters nobody can tell.
      service.messages.splice(0, Infinity, ...service.messages.filter(({ receives }) => receives === MAXIMUM_RECEIVES));
    }
    if (second >= janitor && (second - Math.ceil(janitor / 20) * 20) % 300 === 0) {
      await service.clean();
    }
    const row = service.db.items<FileRow>(TABLE).find((item) => item.versionId === versionId);
    states.push({
      second,
      final: isFinal(row),
      dead: service.deadLetters.length,
      messages: service.messages.length,
      executions,
      reported: service.unaccounted > 0,
    });
  }
  return { service, states };
}

const RUNS = 60;

describe('a file, whatever dies, is lost or is purged [D3, D4]', () => {
  test('is final or with the dead letters 75 minutes after it arrived, and nothing of it is on its way for ever', async () => {
    const seen = { final: 0, dead: 0, buried: 0 };
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const { states } = await live(told, 150 * MINUTE);
        const there = states.find(({ final, dead }) => final || dead > 0);
        expect(there?.second ?? Infinity).toBeLessThanOrEqual(BOUND);
        // One that is received again after it was a dead letter has its time anew.
        const ran = (second: number) => second >= told.janitor && (second - Math.ceil(told.janitor / 20) * 20) % 300 === 0;
        const unfinished = states.filter(({ final, dead, second }) => !final && dead === 0 && ran(second));
        unfinished.forEach(({ second, reported }) => expect([second, reported]).toEqual([second, second > told.latency * MINUTE]));
        const last = states.at(-1)!;
        expect([last.messages, last.dead <= 2]).toEqual([0, true]);
        seen[last.final ? 'final' : 'dead']++;
        seen.buried += there!.dead > 0 && there!.second > 61 * MINUTE ? 1 : 0;
      }),
      { numRuns: runs(RUNS) },
    );
    Object.entries(seen).forEach(([what, times]) => expect([what, times >= seenAtLeast(3, RUNS)]).toEqual([what, true]));
  });

  test('that fails each time is there once: neither the janitor nor the queue makes a second dead letter of it', async () => {
    const told = {
      event: 0,
      large: false,
      fates: [],
      always: 'throws',
      lost: [],
      alwaysLost: false,
      purge: null,
      janitor: 130,
      latency: 20,
    } as const;
    const { states } = await live({ ...told, fates: [], lost: [] }, 240 * MINUTE);
    expect(states.find(({ dead }) => dead > 0)?.second).toBe(60 * MINUTE);
    expect([states.at(-1)!.dead, states.at(-1)!.messages]).toEqual([1, 0]);
  });

  test('whose executions are lost gets a second one, and after that a person', async () => {
    const told = { event: 0, large: true, always: 'well', alwaysLost: true, purge: null, janitor: 130, latency: 20 } as const;
    const { service, states } = await live({ ...told, fates: [], lost: [] }, 240 * MINUTE);
    expect(states.at(-1)).toMatchObject({ dead: 1, final: false, messages: 0, executions: 2 });
    // Replayed it has its time anew, and ends well when what was broken is mended.
    service.redrive();
    await service.clean();
    expect(service.deadLetters).toEqual([]);
    await invoke(service, service.messages[0], 'well');
    expect(service.db.items<FileRow>(TABLE).find(({ versionId }) => versionId !== undefined)).toMatchObject({
      resumedAt: service.now / 1000,
    });
    await service.clean();
    expect([service.deadLetters, service.messages]).toEqual([[], []]);
    await service.execute(service.started[0], false, undefined);
    expect(service.db.items<FileRow>(TABLE).filter(isFinal)).toHaveLength(1);
  });
});

test('the times of the intake fit into each other: no lease ends before its owner, no message comes back to one that runs [D3, D4]', () => {
  const { functionTimeout, visibility, lease, overdueAtWork } = INTAKE_SECONDS;
  const janitorEvery = 300;
  expect(lease).toBeGreaterThan(functionTimeout);
  expect(visibility).toBeGreaterThanOrEqual(6 * functionTimeout);
  expect(SPLIT_SECONDS.lease).toBeGreaterThan(SPLIT_SECONDS.execution);
  expect(MAXIMUM_RECEIVES * visibility).toBeLessThan(INTAKE_SECONDS.overdue);
  expect(overdueAtWork + janitorEvery).toBeLessThanOrEqual(BOUND);
  // Who is told by the longest latency is told before the file is a dead letter.
  expect(LONGEST_LATENCY + janitorEvery).toBeLessThanOrEqual(INTAKE_SECONDS.overdue);
});

describe('the janitor [D3]', () => {
  const version = { key: 'simple/a.csv', versionId: 'v', modified: START };
  const at = (seconds: number) => new Date(START.getTime() + seconds * 1000);
  const due = (row: Partial<FileRow> | undefined, seconds: number, ledgerMade = START) =>
    dueOf(version, row && stamped(row), { now: at(seconds), ledgerMade });
  /** Times of a row are given in seconds behind the arrival. */
  const stamped = (row: Partial<FileRow>) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        name !== 'receives' && typeof value === 'number' ? START.getTime() / 1000 + value : value,
      ]),
    ) as Partial<FileRow>;
  const { overdue, overdueAtWork } = INTAKE_SECONDS;

  test.each([
    ['nothing was known of', undefined, 1201, 'resubmit'],
    ['was sent again, in its time', { resubmittedAt: 1201 }, overdue, 'wait'],
    ['was sent again, behind its time', { resubmittedAt: 1201 }, overdue + 1, 'bury'],
    ['nobody has sent again, behind its time', { attempts: 1 } as Partial<FileRow>, overdue + 1, 'resubmit'],
    ['is at work in its time', { leaseUntil: 4100 }, 4000, 'wait'],
    ['is at work', { leaseUntil: 5000 }, overdueAtWork, 'wait'],
    ['is at work far behind its time', { leaseUntil: 5000 }, overdueAtWork + 1, 'bury'],
    ['has a message that comes back', { receives: 2, receivedLast: 1000 }, 1780, 'wait'],
    ['has a message that did not come back', { receives: 2, receivedLast: 1000 }, 1781, 'resubmit'],
    ['has a message that comes back behind its time', { receives: 4, receivedLast: 3900 }, overdue + 1, 'bury'],
    ['had a message for the last time', { receives: 5, receivedLast: 2880 }, 2880 + 780, 'wait'],
    ['has a message among the dead letters', { receives: 5, receivedLast: 2880 }, 2880 + 781, 'died'],
    ['is known to lie there', { receives: 5, receivedLast: 2880, deadLetteredAt: 3700 }, 90_000, 'dead'],
    ['was replayed', { receives: 2, receivedLast: 80_720, resumedAt: 80_000 }, 80_800, 'wait'],
    ['was replayed in vain', { receives: 5, receivedLast: 82_880, resumedAt: 80_000 }, 84_000, 'died'],
    ['was taken up again', { resumedAt: 80_000, resubmittedAt: 81_300 }, 80_000 + overdue, 'wait'],
    ['was taken up again in vain', { resumedAt: 80_000, resubmittedAt: 81_300 }, 80_000 + overdue + 1, 'bury'],
  ] as [string, Partial<FileRow> | undefined, number, string][])(
    'knows what is due with a version that %s',
    (_what, row, seconds, expected) => {
      expect(due(row, seconds)).toBe(expected);
    },
  );

  test('gives the time of a freeze, and that before there was a ledger, back', () => {
    const row = stamped({ resubmittedAt: 10_100 });
    const freeze = { freeze: 'f', since: START.toISOString(), until: at(10_000).toISOString(), by: 'anna', reason: 'test' };
    const times = (seconds: number) => ({ now: at(seconds), ledgerMade: START, freeze });
    expect([0, 1].map((more) => dueOf(version, row, times(10_000 + overdue + more)))).toEqual(['wait', 'bury']);
    expect([0, 1].map((more) => due({ resubmittedAt: 10_100 }, 10_000 + overdue + more, at(10_000)))).toEqual(['wait', 'bury']);
  });

  test('reports a row that was taken up again when it is late, not at once', () => {
    const rows = new Map([['object#simple/a.csv#v', { ...stamped({ resumedAt: 90_000 }), state: 'received' } as FileRow]]);
    const reported = (seconds: number, latency: number) => unaccounted([version], rows, { now: at(seconds) }, latency).length;
    expect([300, 1200, 3600].flatMap((latency) => [0, 1].map((more) => reported(90_000 + latency + more, latency)))).toEqual([
      0, 1, 0, 1, 0, 1,
    ]);
  });

  test('leaves what nobody has received yet to the alarm on waiting files while the queue is long', async () => {
    const world = new World(SIMPLE);
    const [never, failed] = ['never', 'failed'].map((name) => world.send(`simple/${name}.csv`, simpleFile(name)));
    await world.failAt(failed, 'leased');
    world.pass(21 * MINUTE);
    expect(await janitorOf(world, undefined, 7).run()).toMatchObject({ resubmitted: 2 });
    world.pass(45 * MINUTE);
    const long = janitorOf(world, undefined, 7);
    expect(await long.run()).toMatchObject({ deadLettered: 1 });
    expect(long.dead).toMatchObject([{ key: failed.key, versionId: failed.versionId, sequencer: failed.sequencer }]);
    const short = janitorOf(world);
    expect(await short.run()).toMatchObject({ deadLettered: 1 });
    expect(short.dead).toMatchObject([{ key: never.key }]);
    await world.attempt(short.dead[0]);
    expect(world.row(never)).toMatchObject({ state: 'accounted' });
    expect(Object.keys(world.row(never))).not.toEqual(expect.arrayContaining(['deadLetteredAt']));
  });
});
