import { tmpdir } from 'node:os';
import { gunzipSync } from 'node:zlib';
import type { ColumnStatistics, DatasetEntry, DatasetSplit } from '../../../lib/constructs/data/dataset-catalog/contract';
import type { Manifest } from '../../../runtime/dataset-builder/core';
import { makeHandler } from '../../../runtime/dataset-builder/handler';
import { BUCKETS, TABLE, World } from '../intake/world';

export const CATALOGUE = 'catalogue';

/** The builder on a world's storage and tables. */
export function builderOf(
  world: World,
  primaryKey = world.contract.primaryKey,
  maximumRecords?: number,
  split?: DatasetSplit,
  more: Partial<DatasetEntry> = {},
) {
  const build = makeHandler({
    datasets: { [world.contract.dataset]: { ledger: TABLE, contract: 'contract-1.json', split, ...more } },
    contractAt: (key) => Promise.resolve(key === 'contract-1.json' ? { ...world.contract, primaryKey } : (undefined as never)),
    catalogue: CATALOGUE,
    bucket: BUCKETS.validated,
    s3: world.s3.client,
    dynamo: world.db.client,
    clock: { now: () => Promise.resolve(world.at) },
    scratchFolder: tmpdir(),
    maximumRecords,
  });
  const manifestOf = ({ manifest, manifestVersion }: { manifest: string; manifestVersion: string }) =>
    JSON.parse(world.s3.read(BUCKETS.validated, manifest, manifestVersion).toString()) as Manifest;
  /** Lines of the object that a manifest pins. */
  const linesOf = ({ key, versionId }: { key: string; versionId: string }): unknown[] =>
    gunzipSync(world.s3.read(BUCKETS.validated, key, versionId))
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  const statisticsOf = (manifest: Manifest) => linesOf(manifest.statistics!) as ColumnStatistics[];
  return { build, manifestOf, statisticsOf };
}
