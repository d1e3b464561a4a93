import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssetHashType, AssetStaging, FileAssetLocation, FileAssetPackaging, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { Archive } from './archive';

/** What an archive is called. @internal */
export interface ArchiveNames {
  /** Id of the construct that stages it. */
  readonly id: string;
  /** Ends in `.tar.gz`. */
  readonly file: string;
  /** One word for the console of whoever publishes it. */
  readonly what: string;
}

/**
 * Adds an archive to the assembly. The `Asset` construct would cut the suffix to `.gz`, and SageMaker documents that it downloads
 * `.tar.gz` only (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html).
 *
 * @internal
 */
export function stageArchive(scope: Construct, archive: Archive, { id, file, what }: ArchiveNames): FileAssetLocation {
  const folder = mkdtempSync(join(tmpdir(), 'archive-'));
  try {
    const sourcePath = join(folder, file);
    writeFileSync(sourcePath, archive.bytes);
    const staging = new AssetStaging(scope, id, { sourcePath, assetHashType: AssetHashType.CUSTOM, assetHash: archive.hash });
    const stack = Stack.of(scope);
    return stack.synthesizer.addFileAsset({
      packaging: FileAssetPackaging.FILE,
      sourceHash: `${staging.assetHash}.tar`,
      fileName: staging.relativeStagedPath(stack),
      displayName: `${scope.node.path} ${what}`,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
