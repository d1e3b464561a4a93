import { tmpdir } from 'node:os';
import type { Manifest } from '../../../runtime/dataset-builder/core';
import { makeHandler } from '../../../runtime/dataset-builder/handler';
import { BUCKETS, TABLE, World } from '../intake/world';

export const CATALOGUE = 'catalogue';

/** The builder on a world's storage and tables. */
export function builderOf(world: World, primaryKey = world.contract.primaryKey, maximumRecords?: number) {
  const { columns, dataset, format } = world.contract;
  const typeOf = (name: string) => columns.find((column) => column.name === name)!.type;
  const build = makeHandler({
    datasets: { [dataset]: { ledger: TABLE, format, primaryKey, keyTypes: primaryKey.map(typeOf) } },
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
  return { build, manifestOf };
}
