import { createHash } from 'node:crypto';
import { DATA_EVENT } from '../../lib/constructs/data/contract';
import { counts, isFinal, orphanedDuplicates } from '../shared/ledger-rows';
import type { FileRow } from '../intake/ledger';

/** An immutable dataset version: exactly these objects, and nothing that is not named here. */
export interface Manifest {
  id: string;
  dataset: string;
  contract: string;
  primaryKey: readonly string[];
  rows: number;
  objects: {
    source: string;
    sourceVersion: string;
    bucket: string;
    key: string;
    versionId: string;
    bytes: number;
    rows: number;
    sha256: string;
    content: string;
  }[];
}

/**
 * Why the rows are no state that the ledger was ever in, or one that it is about to leave; undefined when they can be published. They are read
 * page by page while files are accounted, so one may show before, and another after, the same commit.
 */
export function unsettled(rows: readonly FileRow[]): string | undefined {
  const byKey = new Map(rows.map((row) => [row.pk, row]));
  const reopened = rows.filter((row) => row.reopened !== undefined && !isFinal(row)).length + orphanedDuplicates(byKey).length;
  if (reopened > 0) {
    return `${reopened} files are to be read again because the file with the same bytes was superseded`;
  }
  const current = rows.filter(counts);
  const differ = (field: 'key' | 'contentSha256') => new Set(current.map((row) => row[field])).size === current.length;
  const replaced = rows.some(({ supersededBy }) => supersededBy !== undefined && !isFinal(byKey.get(supersededBy)));
  return differ('key') && differ('contentSha256') && !replaced ? undefined : 'files were being accounted while it was read';
}

/**
 * The manifest of what a ledger has committed. Its id hashes content only (content hash and rows of each file, contract, key policy), no keys
 * and no times: the same data is the same version wherever and whenever it is built. Errors: no committed file, or files of two contracts.
 */
export function buildManifest(dataset: string, bucket: string, primaryKey: readonly string[], rows: readonly FileRow[]): Manifest {
  const files = rows.filter(counts).sort((a, b) => (a.contentSha256! < b.contentSha256! ? -1 : 1));
  if (files.length === 0) {
    throw new Error(`EmptyDataset: '${dataset}' has no accounted file: send one and wait for its '${DATA_EVENT.accounted}' event`);
  }
  const contracts = [...new Set(files.map((file) => file.contract!))];
  if (contracts.length > 1) {
    throw new Error(
      `MixedContracts: files of '${dataset}' were validated with ${contracts.length} contracts (${contracts.join(', ')}): re-run the old ones`,
    );
  }
  const objects = files.map(({ key, versionId, validated, contentSha256 }) => ({
    source: key,
    sourceVersion: versionId,
    bucket,
    key: validated!.key,
    versionId: validated!.versionId,
    bytes: validated!.bytes,
    rows: validated!.rows,
    sha256: validated!.sha256,
    content: contentSha256!,
  }));
  const identity = JSON.stringify({
    contents: objects.map(({ content, rows: count }) => [content, count]),
    contract: contracts[0],
    primaryKey,
  });
  return {
    id: createHash('sha256').update(identity).digest('hex'),
    dataset,
    contract: contracts[0],
    primaryKey,
    rows: objects.reduce((sum, { rows: count }) => sum + count, 0),
    objects,
  };
}

export function manifestKey(dataset: string, id: string): string {
  return `datasets/${dataset}/${id}/manifest.json`;
}
