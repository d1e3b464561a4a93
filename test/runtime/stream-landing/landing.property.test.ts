import fc from 'fast-check';
import { runs, seenAtLeast } from '../../support/property-runs';
import { TABLE } from '../intake/world';
import { landingProblems } from './landing-audit';
import { Landing, Moment, Plan, Sent } from './shards';

const payload = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 5 }).map((id) => Buffer.from(JSON.stringify({ id: `k${id}`, amount: id }))) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 1e6 }).map((id) => Buffer.from(JSON.stringify({ id: `u${id}`, amount: 1 }, null, 1))) },
  { weight: 1, arbitrary: fc.constantFrom('{}', '', '{"id":"k1"}', '\n', '"\ud83d\ude00"').map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)) },
);
/** Numbers beyond a double, of lengths that differ, close to each other. */
const sent = fc
  .array(fc.tuple(fc.constantFrom('shardId-0', 'shardId-1'), payload), { minLength: 1, maxLength: 24, size: 'max' })
  .map((all) => all.map(([shard, bytes], i): Sent => ({ shard, bytes, sequence: String(99_999_999_999_999_999_990n + BigInt(i)) })));
const COMMANDS = ['GetCommand', 'PutObjectCommand', 'HeadObjectCommand', 'TransactWriteCommand'] as const;
const MOMENTS = COMMANDS.flatMap((command): Moment[] => [`before ${command}`, `after ${command}`]);
interface Fault {
  moment: Moment;
  kind: string;
  skip: number;
}
const fault: fc.Arbitrary<Fault> = fc.record({
  // An object is looked at only where another delivery wrote it.
  moment: fc.oneof(...MOMENTS.map((moment) => ({ weight: moment.includes('Head') ? 3 : 1, arbitrary: fc.constant(moment) }))),
  kind: fc.constantFrom('crash', 'stall'),
  skip: fc.constantFrom(0, 0, 0, 1),
});
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('deliver' as const),
      shard: fc.nat({ max: 1 }),
      length: fc.integer({ min: 1, max: 5 }),
      fault: fc.option(fault),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resume' as const), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('discard' as const), shard: fc.nat({ max: 1 }), length: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose checkpoints' as const) }) },
);

/** AWS Lambda as far as it matters here: where each shard is, and deliveries that may fail, be cut otherwise, or go on although they were given up. */
class Deliveries {
  readonly landing = new Landing();
  readonly given = new Set<string>();
  private readonly positions = new Map<string, number>();
  private readonly faults: Fault[] = [];
  private stalled: (() => void)[] = [];
  private readonly going: Promise<unknown>[] = [];

  constructor(
    private readonly sent: readonly Sent[],
    private readonly hits: Map<string, number>,
  ) {}

  private next(shard: string, length: number): Sent[] {
    const start = this.positions.get(shard) ?? 0;
    return this.sent.filter((record) => record.shard === shard).slice(start, start + length);
  }

  private advance(shard: string, by: number): void {
    this.positions.set(shard, (this.positions.get(shard) ?? 0) + by);
  }

  async deliver(shard: string, length: number, planned?: Fault | null): Promise<void> {
    const records = this.next(shard, length);
    if (records.length === 0) {
      return;
    }
    let givenUp: () => void = () => undefined;
    const abandoned = new Promise<'given up'>((resolve) => (givenUp = () => resolve('given up')));
    const done = this.landing.deliver(records, this.planOf(planned, givenUp)).then(
      () => 'done' as const,
      (error: Error) => (error.message === 'crash' ? ('failed' as const) : Promise.reject(error)),
    );
    this.going.push(done);
    if ((await Promise.race([done, abandoned])) === 'done') {
      this.advance(shard, records.length);
    }
  }

  /** A fault whose moment does not come waits for the next delivery to which it does. */
  private planOf(planned: Fault | null | undefined, givenUp: () => void): Plan {
    if (planned !== null && planned !== undefined) {
      this.faults.push(planned);
    }
    return (moment) => {
      const fault = this.faults.find((one) => one.moment === moment);
      if (fault === undefined || fault.skip-- > 0) {
        return undefined;
      }
      this.faults.splice(this.faults.indexOf(fault), 1);
      const name = `${fault.kind} ${moment}`;
      this.hits.set(name, (this.hits.get(name) ?? 0) + 1);
      if (fault.kind === 'crash') {
        throw new Error('crash');
      }
      givenUp();
      return new Promise<void>((resolve) => this.stalled.push(resolve));
    };
  }

  async resume(which: number): Promise<void> {
    const [release] = this.stalled.splice(which % Math.max(1, this.stalled.length), 1);
    release?.();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** What AWS Lambda gives up after its tries: it goes on behind it. */
  discard(shard: string, length: number): void {
    const records = this.next(shard, length);
    records.forEach((record) => this.given.add(`${shard}:${record.sequence}`));
    this.advance(shard, records.length);
  }

  loseCheckpoints(): void {
    this.landing.db.lose(TABLE, (key) => key.startsWith('shard#'));
  }

  /** Checkpoints that were moved back. */
  backward(): string[] {
    const moves = this.landing.db.changes.filter(({ before, after }) => before !== undefined && after.pk.S!.startsWith('shard#'));
    return moves.flatMap(({ before, after }) => (BigInt(after.lastSequence.S!) > BigInt(before!.lastSequence.S!) ? [] : [after.pk.S!]));
  }

  async finish(): Promise<void> {
    this.faults.length = 0;
    for (const shard of ['shardId-0', 'shardId-1']) {
      await this.deliver(shard, 5);
      await this.deliver(shard, 100);
    }
    this.stalled.forEach((release) => release());
    await Promise.all(this.going);
  }
}

const RUNS = 260;

describe('any stream under any deliveries [D8, D4]', () => {
  test('has each record in the raw zone exactly once, with its bytes, in the order of its shard', async () => {
    const hits = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(sent, fc.array(step, { minLength: 8, maxLength: 20, size: 'max' }), async (records, steps) => {
        const world = new Deliveries(records, hits);
        for (const one of steps) {
          switch (one.kind) {
            case 'deliver':
              await world.deliver(`shardId-${one.shard}`, one.length, one.fault && { ...one.fault });
              break;
            case 'resume':
              await world.resume(one.which);
              break;
            case 'discard':
              world.discard(`shardId-${one.shard}`, one.length);
              break;
            default:
              world.loseCheckpoints();
          }
        }
        await world.finish();
        expect(world.backward()).toEqual([]);
        expect(landingProblems({ s3: world.landing.s3, rows: world.landing.rows() }, records, world.given)).toEqual([]);
      }),
      { numRuns: runs(RUNS) },
    );
    const names = MOMENTS.flatMap((moment) => [`crash ${moment}`, `stall ${moment}`]);
    expect(names.filter((name) => (hits.get(name) ?? 0) < seenAtLeast(20, RUNS))).toEqual([]);
  });
});
