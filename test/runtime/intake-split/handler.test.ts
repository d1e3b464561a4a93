import type { Metrics } from '@aws-lambda-powertools/metrics';
import { DATA_ENV } from '../../../lib/constructs/data/contract';
import { ObjectVersion } from '../../../runtime/intake/core';
import { makeHandler, StepEvent } from '../../../runtime/intake-split/handler';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { problemsOf, SIMPLE, simpleFile } from '../intake/simple-files';
import { INTAKE_ENV, World } from '../intake/world';
import { leased } from './machine';

const LINES: CompiledContract = { ...SIMPLE, newlinesQuoted: false };

type Answer = Partial<{ outcome: string; ranges: number[]; sha256: string }>;

/** The deployed function on a world, called as the state machine calls it. Its clock is real time. */
class Steps {
  readonly metrics: [string, string, number][] = [];
  readonly logged: Record<string, unknown>[] = [];
  published = 0;
  private readonly handle: ReturnType<typeof makeHandler>;

  constructor(readonly world: World) {
    world.at = new Date();
    world.s3.put('contracts', 'simple.json', JSON.stringify(world.contract));
    const env = {
      ...INTAKE_ENV,
      [DATA_ENV.rangeBytes]: '16',
    };
    const metrics = {
      addMetric: (name: string, unit: string, value: number) => void this.metrics.push([name, unit, value]),
      publishStoredMetrics: () => void this.published++,
    };
    const logger = { info: (_: unknown, fields: unknown) => void this.logged.push(fields as Record<string, unknown>) };
    this.handle = makeHandler(env, { s3: world.s3.client, dynamo: world.db.client }, logger as never, metrics as unknown as Metrics);
  }

  call(event: StepEvent): Promise<Answer> {
    return this.handle(event);
  }

  /** All steps until one says that there is no next; returns its outcome. `calls`: what was asked and answered before. */
  async run(object: ObjectVersion, calls: [string, Answer][] = []): Promise<string> {
    const file = (await leased(this.world, object))!;
    const step = async (event: Omit<StepEvent, 'file'>) => {
      const answer = await this.call({ ...event, file });
      calls.push([event.step, answer]);
      return answer;
    };
    const { outcome, ranges = [] } = await step({ step: 'plan' });
    if (outcome !== 'planned') {
      return outcome!;
    }
    const { sha256 } = await step({ step: 'digest' });
    for (const range of ranges) {
      await step({ step: 'scan', range });
    }
    await step({ step: 'order', ranges });
    for (const range of ranges) {
      await step({ step: 'write', range });
    }
    return (await step({ step: 'merge', ranges, sha256 })).outcome!;
  }
}

describe('the function of the machine that splits files [D5, D9]', () => {
  test('publishes what became of the file, once, when its merge has committed', async () => {
    const world = new World(LINES);
    const steps = new Steps(world);
    const calls: [string, Answer][] = [];
    const object = world.send('simple/a.csv', simpleFile('a', 12));
    expect(await steps.run(object, calls)).toBe('accounted');
    expect(problemsOf(world)).toEqual([]);
    expect(world.row(object)).toMatchObject({ state: 'accounted', contract: 'contract-1', counts: { read: 12, valid: 9, quarantined: 3 } });
    expect(steps.metrics).toEqual([
      ['FilesAccounted', 'Count', 1],
      ['RowsRead', 'Count', 12],
      ['RowsValid', 'Count', 9],
      ['RowsQuarantined', 'Count', 3],
      ['QuarantinePercent', 'Percent', 25],
    ]);
    expect(steps.published).toBe(1);
    // The answers of all ranges stand in one state, which has 256 KiB.
    const rangeAnswers = calls.filter(([step]) => step === 'scan' || step === 'write').map(([, answer]) => answer);
    expect(rangeAnswers.length).toBeGreaterThan(4);
    rangeAnswers.forEach((answer) => expect(answer).toEqual({}));
    expect(steps.logged).toHaveLength(calls.length);
    expect(steps.logged.at(-1)).toMatchObject({ step: 'merge', key: object.key, versionId: object.versionId, outcome: 'accounted' });
  });

  test('says of a merge that is tried again after its commit nothing: the file would count twice', async () => {
    const world = new World(LINES);
    const steps = new Steps(world);
    const object = world.send('simple/a.csv', simpleFile('a', 12));
    const file = (await leased(world, object))!;
    const { ranges = [] } = await steps.call({ step: 'plan', file });
    const { sha256 } = await steps.call({ step: 'digest', file });
    const each = async (step: 'scan' | 'write') => {
      for (const range of ranges) {
        await steps.call({ step, file, range });
      }
    };
    await each('scan');
    expect(await steps.call({ step: 'order', file, ranges })).toEqual({ outcome: 'ordered' });
    await each('write');
    expect(steps.metrics).toEqual([]);
    const merge = { step: 'merge', file, ranges, sha256 } as const;
    expect(await steps.call(merge)).toEqual({ outcome: 'accounted' });
    const published = [...steps.metrics];
    expect(await steps.call(merge)).toEqual({ outcome: 'superseded' });
    expect([steps.metrics, steps.published]).toEqual([published, 1]);
  });

  test.each([
    ['does not fit its contract', 'id,wrong\na,1\n', /^the header does not fit the contract/],
    ['breaks a rule of its contract', simpleFile('a', 12), /^the file breaks its contract: rowCount is 9/],
  ])('publishes that a file which %s was rejected', async (_, bytes, reason) => {
    const fileRules = [{ metric: 'rowCount', columns: [], operator: 'mustBe', unit: 'rows', limits: [1], path: 'schema[0].quality[0]' }];
    const world = new World({ ...LINES, fileRules } as unknown as CompiledContract);
    const steps = new Steps(world);
    const object = world.send('simple/a.csv', bytes);
    expect(await steps.run(object)).toBe('rejected');
    expect(world.row(object)).toMatchObject({ state: 'rejected', reason: expect.stringMatching(reason) });
    expect([steps.metrics, steps.published]).toEqual([[['FilesRejected', 'Count', 1]], 1]);
  });

  test('publishes nothing of a file that another attempt has', async () => {
    const world = new World(LINES);
    const steps = new Steps(world);
    const object = world.send('simple/a.csv', simpleFile('a', 12));
    const slow = (await leased(world, object))!;
    world.pass(151);
    await world.attempt(object);
    expect(await steps.call({ step: 'plan', file: slow })).toEqual({ outcome: 'superseded' });
    expect([steps.metrics, steps.published]).toEqual([[], 0]);
  });
});
