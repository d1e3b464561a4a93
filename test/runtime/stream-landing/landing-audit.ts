import type { Landing, Sent } from './shards';
import { STREAM } from './shards';

interface Line {
  id: string;
  data?: string;
  data_base64?: string;
}

/**
 * What is wrong with the raw zone and the ledger, read without code of the product: every record of the stream has one line in one object, with its
 * bytes; objects of a shard follow each other in its order; no object holds a primary key twice; every object has a row that says what it
 * holds. `given`: records that were given up upstream may lack.
 */
export function landingProblems(
  { s3, rows }: Pick<Landing, 's3'> & { rows: ReturnType<Landing['rows']> },
  sent: readonly Sent[],
  given = new Set<string>(),
): string[] {
  const problems: string[] = [];
  const raw = s3.versions.filter(({ bucket }) => bucket === 'raw');
  if (new Set(raw.map(({ key }) => key)).size !== raw.length) {
    problems.push('an object was replaced');
  }
  const objects = raw.map(({ key, versionId, bytes }) => ({
    key,
    versionId,
    lines: bytes
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line),
  }));
  const copies = new Map<string, Buffer[]>();
  objects
    .flatMap(({ lines }) => lines)
    .forEach(({ id, data, data_base64: base64 }) => {
      copies.set(id, [...(copies.get(id) ?? []), data === undefined ? Buffer.from(base64!, 'base64') : Buffer.from(data)]);
    });
  for (const { shard, sequence, bytes } of sent) {
    const id = `${shard}:${sequence}`;
    const found = copies.get(id) ?? [];
    if (!(found.length === 1 || (found.length === 0 && given.has(id)))) {
      problems.push(`${id} is there ${found.length} times`);
    }
    if (found.some((copy) => !copy.equals(bytes))) {
      problems.push(`${id} has other bytes`);
    }
    copies.delete(id);
  }
  problems.push(...[...copies.keys()].map((id) => `${id} was never sent`));
  for (const { key, versionId, lines } of objects) {
    const shard = key.split('/')[3];
    const numbers = lines.map(({ id }) => BigInt(id.split(':')[1]));
    const after = /after-(\d+)\.jsonl$/.exec(key)?.[1];
    if (lines.some(({ id }) => !id.startsWith(`${shard}:`)) || numbers.some((n, i) => n <= (numbers[i - 1] ?? BigInt(after ?? -1)))) {
      problems.push(`${key} is out of order`);
    }
    const keys = lines.flatMap(({ data }) => primaryKey(data));
    if (new Set(keys).size !== keys.length) {
      problems.push(`${key} holds a primary key twice`);
    }
    const row = rows.find(({ pk }) => pk === `object#${key}#${versionId}`);
    const said = JSON.stringify(row?.batch && Object.entries(row.batch).sort());
    if (row === undefined && lines.every(({ id }) => given.has(id))) {
      // Landed, not entered, and then given up: its event makes the row.
      continue;
    }
    const held = { first: String(numbers[0]), last: String(numbers.at(-1)), records: lines.length, shard, stream: STREAM };
    if (row?.state !== 'received' || row.key !== key || said !== JSON.stringify(Object.entries(held))) {
      problems.push(`the row of ${key} says ${said}`);
    }
  }
  problems.push(
    ...orderProblems(
      objects.map(({ key, versionId, lines }) => ({ key, lines, row: rows.find(({ pk }) => pk === `object#${key}#${versionId}`) })),
    ),
  );
  return problems;
}

/** Which of two records is the newer is told by when the rows of their objects were received. */
function orderProblems(objects: { key: string; lines: Line[]; row?: { receivedAt: string } }[]): string[] {
  const first = ({ lines }: { lines: Line[] }) => BigInt(lines[0].id.split(':')[1]);
  const shardOf = ({ key }: { key: string }) => key.split('/')[3];
  return [...new Set(objects.map(shardOf))].flatMap((shard) => {
    const members = objects.filter((object) => shardOf(object) === shard).sort((a, b) => (first(a) < first(b) ? -1 : 1));
    const times = members.flatMap(({ row }) => (row === undefined ? [] : [row.receivedAt]));
    return times.some((time, i) => i > 0 && time < times[i - 1]) ? [`the rows of ${shard} were received in another order`] : [];
  });
}

/** Of a record that keeps the contract: an object with a text `id` and a whole `amount`, and nothing else. */
function primaryKey(data: string | undefined): string[] {
  try {
    const { id, amount, ...rest } = JSON.parse(data!) as Record<string, unknown>;
    const good = typeof id === 'string' && id !== '' && Number.isSafeInteger(amount) && Object.keys(rest).length === 0;
    return good ? [id] : [];
  } catch {
    return [];
  }
}
