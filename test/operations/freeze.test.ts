import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import type { SQSRecord } from 'aws-lambda';
import { DATA_ENV, DATA_EVENT, Freeze } from '../../lib/constructs/data/contract';
import { IntakeFreezes, lineOf, minutesOf } from '../../operations/freeze';
import type { ObjectVersion } from '../../runtime/intake/core';
import { makeHandler } from '../../runtime/intake/handler';
import { makeHandler as makeRecorder } from '../../runtime/ledger-events/handler';
import { FakeBus, streamOf } from '../support/stream-records';
import { janitorOf } from '../runtime/intake/janitor';
import { SIMPLE, simpleFile } from '../runtime/intake/simple-files';
import { BUCKETS, INTAKE_ENV, START, TABLE, World } from '../runtime/intake/world';

interface Message {
  body: string;
  receives: number;
  from: number;
}

/** A world with its queue: five receives, then the dead letters; what the validator sends comes after its delay. */
class Queued {
  readonly world = new World(SIMPLE);
  readonly deadLetters: string[] = [];
  readonly freezes: IntakeFreezes;
  private messages: Message[] = [];
  private readonly handle: ReturnType<typeof makeHandler>;

  constructor() {
    const { world } = this;
    world.s3.put('contracts', 'simple.json', JSON.stringify(SIMPLE));
    const env = {
      ...INTAKE_ENV,
      [DATA_ENV.queueUrl]: 'https://queue',
    };
    const sqs = {
      send: (({ input }: { input: { MessageBody: string; DelaySeconds: number } }) => {
        expect(input.DelaySeconds).toBeLessThanOrEqual(900);
        return Promise.resolve(this.messages.push({ body: input.MessageBody, receives: 0, from: this.now() + input.DelaySeconds }));
      }) as never,
    };
    const silent = { info: () => undefined, error: () => undefined } as unknown as Logger;
    const metrics = { addMetric: () => undefined, hasStoredMetrics: () => false } as unknown as Metrics;
    this.handle = makeHandler(env, { s3: world.s3.client, sqs, dynamo: world.db.client, machines: sqs }, silent, metrics, {
      now: () => world.at,
    });
    const workload = { datasets: ['simple'], prefix: 'air-dev', output: () => TABLE };
    this.freezes = new IntakeFreezes({ tables: world.db.client } as never, workload as never, () => world.at);
  }

  private now = () => this.world.at.getTime() / 1000;

  send(key: string, seed: string): ObjectVersion {
    const object = this.world.send(key, simpleFile(seed));
    const detail = { bucket: { name: object.bucket }, object: { key, 'version-id': object.versionId, sequencer: object.sequencer } };
    this.messages.push({ body: JSON.stringify({ detail }), receives: 0, from: this.now() });
    return object;
  }

  /** What the service does for a time, a minute at once. */
  async pass(minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute++) {
      const ready = this.messages.filter(({ from }) => from <= this.now());
      this.messages = this.messages.filter((message) => !ready.includes(message));
      for (const { body, receives } of ready) {
        const attributes = { ApproximateReceiveCount: String(receives + 1) } as SQSRecord['attributes'];
        const Records = [{ messageId: 'm', receiptHandle: 'r', body, attributes } as SQSRecord];
        const { batchItemFailures } = await this.handle({ Records });
        if (batchItemFailures.length > 0) {
          const again = { body, receives: receives + 1, from: this.now() + 720 };
          void (again.receives >= 5 ? this.deadLetters.push(body) : this.messages.push(again));
        }
      }
      this.world.pass(60);
    }
  }
}

const states = ({ world }: Queued) => world.rows().map(({ state }) => state);

describe('npm run freeze -- intake [P6]', () => {
  test('lets files wait for longer than any message may, and take their turn by themselves when it is over', async () => {
    const queued = new Queued();
    await queued.freezes.begin('simple', 5 * 1440, 'anna', 'the sender repairs its export');
    const objects = ['a', 'b'].map((name) => queued.send(`simple/${name}.csv`, name));
    await queued.pass(5 * 1440 - 1);
    expect([states(queued), queued.deadLetters]).toEqual([[], []]);
    await queued.pass(3);
    expect(objects.map((object) => queued.world.row(object))).toMatchObject(Array(2).fill({ state: 'accounted', attempts: 1 }));
    expect(queued.deadLetters).toEqual([]);
  });

  test('is over within five minutes after it was lifted', async () => {
    const queued = new Queued();
    await queued.freezes.begin('simple', 120, 'anna', 'why');
    queued.send('simple/a.csv', 'a');
    await queued.pass(30);
    expect(await queued.freezes.lift('simple', 'ben', 'repaired')).toMatchObject({ endedBy: 'ben', endReason: 'repaired' });
    await queued.pass(6);
    expect(states(queued)).toEqual(['accounted']);
    expect(await queued.freezes.lift('simple', 'ben', 'again')).toBeUndefined();
  });

  test('holds to the second: a file at its last moment waits, one at its end does not', async () => {
    for (const [seconds, expected] of [
      [3599, []],
      [3600, ['accounted']],
    ] as const) {
      const queued = new Queued();
      await queued.freezes.begin('simple', 60, 'anna', 'why');
      queued.world.pass(seconds);
      queued.send('simple/a.csv', 'a');
      await queued.pass(1);
      expect(states(queued)).toEqual(expected);
    }
  });

  test('can be made longer, and by two people at once only once', async () => {
    const queued = new Queued();
    const { freezes, world } = queued;
    await freezes.begin('simple', 60, 'anna', 'why');
    world.pass(1800);
    await freezes.begin('simple', 60, 'ben', 'still');
    expect(await freezes.of('simple')).toMatchObject({ by: 'ben', until: new Date(world.at.getTime() + 3_600_000).toISOString() });
    world.db.before = async (name) => {
      if (name === 'PutItem') {
        world.db.before = () => undefined;
        await freezes.begin('simple', 30, 'carl', 'faster');
      }
    };
    await expect(freezes.begin('simple', 60, 'ben', 'late')).rejects.toThrow(/^FreezeChanged: .* look with --list$/);
    expect(await freezes.of('simple')).toMatchObject({ by: 'carl' });
  });

  test('keeps the alarms about waiting files quiet, until files have had their usual time after it', async () => {
    const queued = new Queued();
    const { world, freezes } = queued;
    world.send('simple/lost.csv', simpleFile('a'));
    await freezes.begin('simple', 60, 'anna', 'why');
    const late = async () => {
      const janitor = janitorOf(world);
      await janitor.run();
      return [janitor.measured.FilesUnaccounted, janitor.sent.length];
    };
    world.pass(3599);
    expect(await late()).toEqual([0, 0]);
    world.pass(1200);
    expect(await late()).toEqual([0, 0]);
    world.pass(1);
    expect(await late()).toEqual([1, 1]);
  });

  test('tells and keeps who, when, why and until when: at its beginning and at its end, once each', async () => {
    const queued = new Queued();
    const { world, freezes } = queued;
    const { freeze } = await freezes.begin('simple', 60, 'anna', 'why');
    world.pass(3700);
    await janitorOf(world).run();
    await janitorOf(world).run();
    const bus = new FakeBus();
    const follow = makeRecorder({
      ...{ dataset: 'simple', validatedBucket: BUCKETS.validated, bus: 'bus', events: bus.client, s3: world.s3.client },
      logger: { error: () => undefined },
    });
    await follow({ Records: streamOf(world.db, TABLE) });
    const until = new Date(START.getTime() + 3_600_000).toISOString();
    expect(bus.entries.map(({ DetailType, Detail }) => [DetailType, JSON.parse(Detail!)])).toEqual([
      [
        DATA_EVENT.frozen,
        { eventId: `simple#${freeze}`, dataset: 'simple', freeze, at: START.toISOString(), until, by: 'anna', reason: 'why' },
      ],
      [
        DATA_EVENT.thawed,
        { eventId: `simple#${freeze}#end`, dataset: 'simple', freeze, at: until, by: 'janitor', reason: 'its time was over' },
      ],
    ]);
    const report = world.s3.current(BUCKETS.validated).find(({ key }) => key === `simple/operations/${freeze}/report.json`);
    expect(JSON.parse(report!.bytes.toString())).toMatchObject({ by: 'anna', reason: 'why', until, endedAt: until, endedBy: 'janitor' });
  });

  test.each([
    ['1m', 1],
    ['2h', 120],
    ['7d', 10080],
    ['168h', 10080],
  ])('understands --for %s', (text, minutes) => expect(minutesOf(text)).toBe(minutes));

  test.each(['', '0m', '8d', '169h', '2', 'h', '1.5h', '-1h', '2 h', '10081m'])("fails on --for '%s'", (text) =>
    expect(() => minutesOf(text)).toThrow(/^InvalidOption: --for must be like 30m, 2h or 3d, up to 7d/),
  );

  test('says on one line how an intake stands', () => {
    const at = (iso: string) => new Date(iso);
    const freeze: Freeze = { freeze: 'f', since: '2026-03-01T00:00:00Z', until: '2026-03-01T02:00:00Z', by: 'anna', reason: 'why' };
    expect(lineOf('flights', undefined, START)).toBe('flights: takes files; it was never frozen');
    expect(lineOf('flights', freeze, at('2026-03-01T01:59:59Z'))).toBe(
      'flights: FROZEN since 2026-03-01T00:00:00Z until 2026-03-01T02:00:00Z (anna: why; report flights/operations/f/report.json)',
    );
    expect(lineOf('flights', freeze, at('2026-03-01T02:00:00Z'))).toMatch(
      /^flights: takes files; last frozen from .* to 2026-03-01T02:00:00Z \(/,
    );
    expect(lineOf('flights', { ...freeze, endedAt: 'x', endedBy: 'ben' }, at('2026-03-01T01:00:00Z'))).toMatch(/to x, ended by ben/);
  });

  test.each([
    [['training', '--for', '2h', '--reason', 'why'], /only 'intake' can be frozen/],
    [['intake', '--for', '2h'], /--reason must say why/],
    [['intake', '--reason', 'why'], /give one of --for, --list and --lift/],
    [['intake', '--list', '--lift'], /give one of --for, --list and --lift/],
  ])('fails on %j', (args, expected) => {
    const script = join(__dirname, '../../operations/freeze.ts');
    const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, ...args], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([2, expect.stringMatching(expected)]);
  });
});
