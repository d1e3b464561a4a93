import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
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
export function stageCode(scope: Construct, directory: string, programs: string): TrainingCode {
  const folder = resolve(directory);
  const archive = packFolder(folder, filesOf(folder));
  const location = stageArchive(scope, archive, { id: 'Code', file: 'sourcedir.tar.gz', what: 'code' });
  const program = (id: string, name: string) => {
    const asset = new Asset(scope, id, { path: join(programs, name) });
    return { uri: asset.s3ObjectUrl, key: asset.s3ObjectKey, file: `${asset.assetHash}.py` };
  };
  const [prepare, evaluate] = [program('PrepareProgram', 'prepare.py'), program('EvaluateProgram', 'evaluate.py')];
  return {
    revision: archive.hash,
    bucketName: location.bucketName,
    keys: [location.objectKey, prepare.key, evaluate.key],
    codeKey: location.objectKey,
    codeUri: location.s3ObjectUrl,
    prepare,
    evaluate,
  };
}
