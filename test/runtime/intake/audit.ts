import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';

/** What the audit may look at: stored objects and the table's items, nothing of the product. */
export interface Evidence {
  /** `lines`: what an output holds, when it is not gzip-compressed lines. */
  objects: { bucket: string; key: string; versionId: string; bytes: Buffer; deleteMarker: boolean; lines?: string[] }[];
  items: Record<string, unknown>[];
  /** Whether a line of a raw file keeps the contract of this hash. */
  isGood: (line: string, contract: string) => boolean;
  /** How a good line stands in the output by the contract of this hash, where that is not how it came. */
  written?: (line: string, contract: string) => string;
  header: string;
}

interface Item {
  pk: string;
  key: string;
  versionId: string;
  state: string;
  duplicateOf?: string;
  supersededBy?: string;
  contract?: string;
  rejudged?: { released: number; refused: number };
  earlier?: { contract: string; counts: { valid: number } }[];
  counts?: { read: number; valid: number; quarantined: number };
  validated?: Stored;
  quarantine?: Stored;
}
interface Stored {
  key: string;
  versionId: string;
  bytes: number;
  rows: number;
  sha256: string;
}

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const linesOf = (bytes: Buffer) =>
  bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');

/**
 * Finds every record exactly once, from the objects alone. Raw files have plain lines (no quotes), keys are unique within a file. Returns what
 * is wrong; nothing means that what readers see is exactly the good records of each distinct content that is current, once.
 */
export function audit({ objects, items, isGood, written = (line) => line, header }: Evidence): string[] {
  const problems: string[] = [];
  const rows = (items as unknown as Item[]).filter(({ pk }) => pk.startsWith('object#'));
  const raw = objects.filter(({ bucket, deleteMarker }) => bucket === 'raw' && !deleteMarker);
  const accepted = raw.filter(({ bytes }) => linesOf(bytes)[0] === header);
  for (const { key, versionId } of raw) {
    const state = rows.find((row) => row.key === key && row.versionId === versionId)?.state;
    const expected = accepted.some((version) => version.versionId === versionId) ? 'accounted' : 'rejected';
    if (state !== expected) {
      problems.push(`${key} ${versionId} is ${state}, not ${expected}`);
    }
  }
  const current = new Map(accepted.map((version) => [version.key, version]));
  const contents = new Map([...current.values()].map(({ bytes }) => [sha(bytes), bytes]));
  const counting = rows
    .filter(({ state, duplicateOf, supersededBy }) => state === 'accounted' && duplicateOf === undefined && supersededBy === undefined)
    .map((row) => ({ row, bytes: raw.find(({ versionId }) => versionId === row.versionId)!.bytes }));
  const contracts = new Map(counting.map(({ row, bytes }) => [sha(bytes), row.contract ?? '']));
  const wanted = [...contents].flatMap(([content, bytes]) =>
    linesOf(bytes)
      .slice(1)
      .map((line, i) => ({ id: `${content}/${i + 1}`, good: isGood(line, contracts.get(content) ?? '') })),
  );
  const seen = counting.flatMap(({ row, bytes }) => recordsOf(row, bytes));
  problems.push(...differences(count(wanted.filter(({ good }) => good)), count(seen.filter(({ good }) => good)), 'valid'));
  problems.push(...differences(count(wanted.filter(({ good }) => !good)), count(seen.filter(({ good }) => !good)), 'quarantined'));
  counting.forEach(({ row, bytes }) => problems.push(...releases(row, linesOf(bytes).slice(1))));
  return problems;

  /** read = valid before - refused + released + quarantined now, each of them as the lines themselves say. */
  function releases({ pk, contract = '', counts, rejudged, earlier }: Item, lines: string[]): string[] {
    if (rejudged === undefined) {
      return [];
    }
    const before = earlier!.at(-1)!;
    const changed = (from: boolean) =>
      lines.filter((line) => isGood(line, before.contract) === from && isGood(line, contract) !== from).length;
    const [released, refused] = [changed(false), changed(true)];
    const sum = before.counts.valid - rejudged.refused + rejudged.released + counts!.quarantined;
    return rejudged.released === released && rejudged.refused === refused && sum === counts!.read
      ? []
      : [`${pk} was judged again: ${JSON.stringify(rejudged)} for ${released} released and ${refused} refused of ${counts!.read}`];
  }

  /** The records that a row accounts for, named by the content and the ordinal that they have in the raw file. */
  function recordsOf(row: Item, bytes: Buffer): { id: string; good: boolean }[] {
    const lines = linesOf(bytes).slice(1);
    const outputs = lines.map((line) => written(line, row.contract ?? ''));
    const [valid, refused] = [readOutput('validated', row.validated, row.pk), readOutput('quarantine', row.quarantine, row.pk)];
    const ordinals = refused.map((line) => (JSON.parse(line) as { record: number }).record);
    const kept = valid.slice(1);
    const { read, valid: good, quarantined } = row.counts ?? { read: -1, valid: -1, quarantined: -1 };
    if (read !== lines.length || good !== kept.length || quarantined !== ordinals.length) {
      problems.push(`${row.pk} counts ${read} = ${good} + ${quarantined} for ${lines.length} = ${kept.length} + ${ordinals.length}`);
    }
    if (row.validated?.rows !== kept.length || row.quarantine?.rows !== ordinals.length) {
      problems.push(`${row.pk} names outputs of other lengths`);
    }
    const content = sha(bytes);
    return [
      ...kept.map((line) => ({ id: `${content}/${outputs.indexOf(line) + 1}`, good: true })),
      ...ordinals.map((ordinal) => ({ id: `${content}/${ordinal}`, good: false })),
    ];
  }

  function readOutput(bucket: string, output: Stored | undefined, pk: string): string[] {
    const found = objects.find(
      (object) => object.bucket === bucket && object.key === output?.key && object.versionId === output?.versionId,
    );
    if (found === undefined || output === undefined) {
      problems.push(`${pk} names no object in ${bucket}`);
      return [];
    }
    if (found.bytes.length !== output.bytes || sha(found.bytes) !== output.sha256) {
      problems.push(`${pk} names other bytes in ${bucket}`);
    }
    return found.lines ?? linesOf(gunzipSync(found.bytes));
  }
}

function count(records: { id: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  records.forEach(({ id }) => counts.set(id, (counts.get(id) ?? 0) + 1));
  return counts;
}

function differences(wanted: Map<string, number>, seen: Map<string, number>, what: string): string[] {
  const ids = new Set([...wanted.keys(), ...seen.keys()]);
  return [...ids].flatMap((id) => {
    const [want, have] = [wanted.get(id) ?? 0, seen.get(id) ?? 0];
    return want === have ? [] : [`${what} record ${id.slice(-12)}: ${have} times instead of ${want}`];
  });
}
