import { LineOutput } from '../intake/output';
import { Counts, Sink, Validator } from '../intake/validator';
import { KeySet } from '../intake/key-set';
import { RangeKeys } from './duplicates';
import { linesOf, Piece } from './lines';
import { Ordered, Plan, rangeOf, Scanned, SplitFile } from './plan';
import { RangesContext } from './context';

/** Judges a range before anything is known of the others: how many records it has, and which keys. */
export async function scanRange(context: RangesContext, file: SplitFile, range: number): Promise<void> {
  const { store, names } = context.partsOf(file);
  const plan = await store.getJson<Plan>(names.plan);
  const keys = new KeySet(context.scratchFolder);
  try {
    const nothing: Sink = { valid: () => undefined, quarantine: () => undefined };
    const { read } = await judge(context, file, range, { plan, sink: nothing, keys, recordsBefore: 0 });
    const run = keys.toRun();
    await store.putFile(names.keys(range), run.file);
    await context.at?.('keys stored');
    await store.putJson(names.scanned(range), { records: read, keys: run.size } satisfies Scanned);
  } finally {
    keys.close();
  }
}

/** Judges a range for good: its records have their places in the file, and keys of earlier ranges are known. */
export async function writeRange(context: RangesContext, file: SplitFile, range: number): Promise<void> {
  const { store, names } = context.partsOf(file);
  const plan = await store.getJson<Plan>(names.plan);
  const { recordsBefore, duplicates } = (await store.getJson<Ordered[]>(names.ordered))[range];
  const pairs = duplicates === 0 ? Buffer.alloc(0) : await store.getBytes(names.duplicates(range));
  const keys = new RangeKeys(context.scratchFolder, recordsBefore, pairs);
  const [valid, quarantine] = [names.valid(range), names.quarantine(range)].map(
    (key) => new LineOutput(context.s3, context.validatedBucket, key, 'application/gzip'),
  );
  const sink: Sink = { valid: (bytes, start, end) => valid.writeBytes(bytes, start, end), quarantine: (line) => quarantine.write(line) };
  try {
    const counts = await judge(context, file, range, { plan, sink, keys, recordsBefore, into: [valid, quarantine] });
    await valid.finish();
    await context.at?.('range valid stored');
    await quarantine.finish();
    await store.putJson(names.counts(range), counts);
  } catch (error) {
    await Promise.all([valid.discard(), quarantine.discard()]);
    throw error;
  } finally {
    keys.close();
  }
}

interface Judging {
  plan: Plan;
  sink: Sink;
  keys: KeySet | RangeKeys;
  recordsBefore: number;
  into?: LineOutput[];
}

async function judge(context: RangesContext, file: SplitFile, range: number, judging: Judging): Promise<Counts> {
  const { plan, sink, keys, recordsBefore, into = [] } = judging;
  let validator: Validator | undefined;
  const validatorAt = ({ offset }: Piece) =>
    new Validator(context.contract, sink, context.scratchFolder, Infinity, context.contract.format, {
      ...{ offset, recordsBefore, order: plan.order, keys },
    });
  for await (const piece of linesOf(context.s3, file.object, rangeOf(plan, range, file.bytes), file.bytes)) {
    validator ??= validatorAt(piece);
    validator.feed(piece.bytes);
    await Promise.all(into.map((output) => output.drained()));
  }
  return (validator ?? validatorAt({ offset: plan.dataStart, bytes: Buffer.alloc(0) })).finish();
}
