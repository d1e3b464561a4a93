import { makeHandler } from '../../../runtime/dataset-builder/handler';
import type { Manifest } from '../../../runtime/dataset-builder/core';
import { BUCKETS, TABLE, World } from '../intake/world';

export const CATALOGUE = 'catalogue';

/** The builder on a world's storage and tables. */
export function builderOf(world: World, primaryKey = ['id']) {
  const build = makeHandler({
    datasets: { simple: { ledger: TABLE, primaryKey } },
    catalogue: CATALOGUE,
    bucket: BUCKETS.validated,
    s3: world.s3.client,
    dynamo: world.db.client,
    clock: { now: () => Promise.resolve(world.at) },
  });
  const manifestOf = ({ manifest, manifestVersion }: { manifest: string; manifestVersion: string }) =>
    JSON.parse(world.s3.read(BUCKETS.validated, manifest, manifestVersion).toString()) as Manifest;
  return { build, manifestOf };
}
