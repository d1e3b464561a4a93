import fc from 'fast-check';
import { committedFiles } from '../../../runtime/dataset-builder/core';
import type { Checkpoint } from '../../../runtime/intake/attempt';
import type { RejudgeCheckpoint } from '../../../runtime/intake-operations/rejudge';
import { runs, seenAtLeast } from '../../support/property-runs';
import { reopenOrphans } from '../intake/janitor';
import { simpleFile } from '../intake/simple-files';
import { Arena, CONTRACTS, messageOf, QUEUES } from './machine';

const ATTEMPT: Checkpoint[] = ['mid-stream', 'valid uploaded', 'both uploaded'];
const REJUDGE: RejudgeCheckpoint[] = ['quarantine read', 'judged', 'committed'];
const CALLS = ['GetItem', 'PutItem', 'UpdateItem', 'Scan', 'GetObject', 'PutObject'] as const;

type Fault = { die: Checkpoint | RejudgeCheckpoint; nth: number } | { call: (typeof CALLS)[number]; nth: number; after: boolean };
type Step =
  | { do: 'send'; key: string; seed: string }
  | { do: 'deploy'; contract: string }
  | { do: 'operate'; operation: string; all: boolean; fault: Fault | null; arrival: string | null };

const keys = fc.constantFrom('simple/a.csv', 'simple/b.csv', 'simple/c.csv');
const seeds = fc.constantFrom('s1', 's2', 's3', 's4');
const faults: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ die: fc.constantFrom(...ATTEMPT, ...REJUDGE), nth: fc.nat(2) }),
  fc.record({ call: fc.constantFrom(...CALLS), nth: fc.nat(8), after: fc.boolean() }),
);
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('send' as const), key: keys, seed: seeds }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deploy' as const), contract: fc.constantFrom(...Object.keys(CONTRACTS)) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('operate' as const),
      operation: fc.constantFrom('revalidate', 'rerun'),
      all: fc.boolean(),
      fault: fc.option(faults),
      arrival: fc.option(keys),
    }),
  },
);

/** Breaks one call or ends the process at one moment; then nothing more breaks. */
function inject(world: Arena, fault: Fault | null, arrival: () => Promise<void>) {
  let passed = 0;
  const due = (is: boolean) => is && fault !== null && passed++ === fault.nth;
  const breaks = (after: boolean) => (name: string) => {
    if (due(fault !== null && 'call' in fault && fault.call === name && fault.after === after)) {
      throw new Error('broken');
    }
  };
  [world.db.before, world.db.after, world.s3.before, world.s3.after] = [breaks(false), breaks(true), breaks(false), breaks(true)];
  const at = (moment: Checkpoint | RejudgeCheckpoint) => due(fault !== null && 'die' in fault && fault.die === moment);
  return {
    at: (moment: Checkpoint) => (at(moment) ? world.die() : undefined),
    reached: async (moment: string) => {
      if (moment === 'judged') {
        await arrival();
      }
      return at(moment as RejudgeCheckpoint) ? world.die() : undefined;
    },
  };
}

function calm(world: Arena): void {
  const nothing = () => undefined;
  [world.db.before, world.db.after, world.s3.before, world.s3.after] = [nothing, nothing, nothing, nothing];
}

async function perform(world: Arena, step: Step, counter: Record<string, number>): Promise<void> {
  if (step.do === 'send') {
    await world.take(world.send(step.key, simpleFile(step.seed, 8)));
    return;
  }
  if (step.do === 'deploy') {
    world.deployed = step.contract;
    return;
  }
  const { operation, all, fault, arrival } = step;
  let came = arrival === null;
  const arrive = async () => {
    if (!came) {
      came = true;
      const hooks = [world.db.before, world.db.after, world.s3.before, world.s3.after] as const;
      calm(world);
      await world.take(world.send(arrival!, simpleFile(`${world.s3.versions.length}`, 8)));
      [world.db.before, world.db.after, world.s3.before, world.s3.after] = hooks;
    }
  };
  const deaths = world.deaths;
  const selection = operation === 'rerun' && all ? { all } : {};
  await world.operate({ operation, selection }, inject(world, fault, arrive));
  calm(world);
  counter.operations = (counter.operations ?? 0) + 1;
  counter.deaths = (counter.deaths ?? 0) + world.deaths - deaths;
}

describe('whatever comes, changes and breaks [D4, D6]', () => {
  test('every record counts once under the contract that its row names, and a rerun leaves one contract', async () => {
    const counter: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 3, maxLength: 12 }), async (sequence) => {
        const world = new Arena();
        await world.take(world.send('simple/a.csv', simpleFile('first', 8)));
        for (const step of sequence) {
          world.pass(1);
          await perform(world, step, counter);
          for (const { key, versionId, sequencer } of await reopenOrphans(world)) {
            await world.take({ bucket: 'raw', key, versionId, sequencer });
          }
          expect(world.problems()).toEqual([]);
        }
        await world.operate({ operation: 'rerun' });
        expect(world.problems()).toEqual([]);
        expect(new Set(committedFiles('simple', world.rows()).map(({ contract }) => contract))).toEqual(new Set([world.deployed]));
      }),
      { numRuns: runs(40) },
    );
    expect(counter.deaths).toBeGreaterThanOrEqual(seenAtLeast(15, 40));
  });

  test('revalidations take no record away: what was valid in a file stays valid', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...Object.keys(CONTRACTS)), { minLength: 1, maxLength: 6 }), async (contracts) => {
        const world = new Arena();
        const object = world.send('simple/a.csv', simpleFile('a', 12));
        await world.take(object);
        for (const contract of contracts) {
          world.deployed = contract;
          const before = world.row(object).counts!.valid;
          const { totals } = await world.operate({ operation: 'revalidate' });
          const { counts } = world.row(object);
          expect(counts!.read).toBe(before + (totals.released ?? 0) + counts!.quarantined);
          expect(world.problems()).toEqual([]);
        }
      }),
      { numRuns: runs(40) },
    );
  });

  test('dead letters: every file is taken once and no message is lost, wherever the replay dies', async () => {
    const moments = fc.constantFrom('sent', 'parked', 'written', 'deleted');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(4), { minLength: 1, maxLength: 12 }),
        fc.array(fc.record({ moment: moments, nth: fc.nat(3) }), { maxLength: 4 }),
        async (letters, deaths) => {
          const world = new Arena();
          const objects = ['a', 'b', 'c', 'd'].map((name) => world.send(`simple/${name}.csv`, simpleFile(name)));
          letters.forEach((i) => world.queues.put(QUEUES.dead, i === 4 ? 'nothing' : messageOf(objects[i])));
          for (const { moment, nth } of deaths) {
            let passed = 0;
            const reached = (at: string) => (at === moment && passed++ === nth ? world.die() : undefined);
            await world.operate({ operation: 'redrive' }, { reached });
            world.pass(961);
          }
          await world.operate({ operation: 'redrive' });
          const unread = world.s3.current('validated').filter(({ key }) => key.includes('/parked/'));
          expect(world.queues.bodies(QUEUES.dead)).toEqual([]);
          expect(new Set(unread.map(({ key }) => key.split('/').at(-1))).size).toBe(letters.filter((i) => i === 4).length);
          await world.drain();
          const lettered = new Set(letters.filter((i) => i < 4));
          for (const [i, object] of objects.entries()) {
            if (!lettered.has(i)) {
              await world.take(object);
            }
          }
          expect(world.problems()).toEqual([]);
        },
      ),
      { numRuns: runs(40) },
    );
  });
});
