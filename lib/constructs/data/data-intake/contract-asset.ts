import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssetHashType } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import type { DataContract } from '../data-contract/data-contract';

/** The rules of a contract as a file that functions read, such as the validator and the dataset builder. @internal */
export function contractAsset(scope: Construct, contract: DataContract): Asset {
  const folder = mkdtempSync(join(tmpdir(), 'contract-'));
  try {
    const path = join(folder, 'contract.json');
    writeFileSync(path, contract._json);
    return new Asset(scope, 'Contract', { path, assetHash: contract._hash, assetHashType: AssetHashType.CUSTOM });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
