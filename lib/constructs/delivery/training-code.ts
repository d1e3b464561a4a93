import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { RollingAggregate } from '../data/features/rolling-aggregate';
import { filesOf, packFolder, packingProblems } from '../models/archive';
import { stageArchive } from '../models/archive-asset';
import { packageRoot } from '../shared/handler-function';

/** Programs and code of a pipeline, in the asset bucket. @internal */
export interface TrainingCode {
  /** SHA-256 of the packed folder. */
  readonly revision: string;
  readonly bucketName: string;
  /** Keys of code and programs. */
  readonly keys: string[];
  readonly codeKey: string;
  readonly codeUri: string;
  readonly prepare: { readonly uri: string; readonly file: string };
  readonly evaluate: { readonly uri: string; readonly file: string };
  /** Definitions of features and the program that computes them; absent without features. */
  readonly features?: StagedFeatures;
}

/** @internal */
export interface StagedFeatures {
  /** SHA-256 of the definitions. */
  readonly sha256: string;
  readonly definitions: { readonly uri: string; readonly file: string };
  readonly engine: { readonly uri: string; readonly file: string };
  readonly keys: string[];
}

/** Where the library's own programs lie. @internal */
export function ownPrograms(): string {
  return join(packageRoot(__dirname), 'jobs');
}

/** Reasons why code or programs cannot be used. @internal */
export function codeProblems(directory: string, program: string, programs: string): string[] {
  const folder = resolve(directory);
  const missing = ['prepare.py', 'evaluate.py'].filter((name) => !existsSync(join(programs, name)));
  const absent = missing.map((name) => `'programs' folder ${programs} has no ${name}`);
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    return [`'code' folder ${folder} does not exist: give the folder that holds ${program} and evaluation.py`, ...absent];
  }
  const files = filesOf(folder);
  const needed = [program, 'evaluation.py'].filter((name) => !files.includes(name));
  return [...packingProblems(folder, files), ...needed.map((name) => `'code' folder ${folder} has no ${name}`), ...absent];
}

/** Packs the code and adds the programs to the assembly. The same files give the same revision everywhere. @internal */
export function stageCode(scope: Construct, directory: string, programs: string, features: RollingAggregate[]): TrainingCode {
  const folder = resolve(directory);
  const archive = packFolder(folder, filesOf(folder));
  const location = stageArchive(scope, archive, { id: 'Code', file: 'sourcedir.tar.gz', what: 'code' });
  const program = (id: string, name: string) => stageFile(scope, id, join(programs, name));
  const [prepare, evaluate] = [program('PrepareProgram', 'prepare.py'), program('EvaluateProgram', 'evaluate.py')];
  const computed = features.length === 0 ? undefined : stageFeatures(scope, features);
  return {
    revision: archive.hash,
    bucketName: location.bucketName,
    keys: [location.objectKey, prepare.key, evaluate.key, ...(computed?.keys ?? [])],
    codeKey: location.objectKey,
    codeUri: location.s3ObjectUrl,
    prepare,
    evaluate,
    features: computed,
  };
}

function stageFile(scope: Construct, id: string, path: string): { uri: string; key: string; file: string } {
  const asset = new Asset(scope, id, { path });
  return { uri: asset.s3ObjectUrl, key: asset.s3ObjectKey, file: `${asset.assetHash}${extname(path)}` };
}

/** As files: an argument of a processing job has at most 256 characters (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AppSpecification.html). */
function stageFeatures(scope: Construct, features: RollingAggregate[]): StagedFeatures {
  const folder = mkdtempSync(join(tmpdir(), 'features-'));
  try {
    const text = JSON.stringify(features.map(({ _definition }) => _definition));
    writeFileSync(join(folder, 'features.json'), text);
    const definitions = stageFile(scope, 'Features', join(folder, 'features.json'));
    const engine = stageFile(scope, 'FeatureProgram', join(ownPrograms(), 'rolling_aggregate.py'));
    return { sha256: createHash('sha256').update(text).digest('hex'), definitions, engine, keys: [definitions.key, engine.key] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
