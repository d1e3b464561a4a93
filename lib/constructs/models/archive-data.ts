import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Token } from 'aws-cdk-lib';
import { IRole } from 'aws-cdk-lib/aws-iam';
import { Bucket, IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { Archive, filesOf, packFolder, packingProblems } from './archive';
import { stageArchive } from './archive-asset';
import { grantReadObject } from './bucket-grants';
import { InferenceImage } from './inference-image';
import { BoundData, elsewhereProblems, lengthProblems, ModelData } from './model-data';

/** A `model.tar.gz` in Amazon S3. @internal */
export class TarballData implements ModelData {
  constructor(
    private readonly bucket: IBucket,
    private readonly key: string,
  ) {}

  public problems(scope: Construct): string[] {
    const problems: string[] = [];
    if (!Token.isUnresolved(this.key) && !this.key.endsWith('.tar.gz')) {
      problems.push(`'model' key must end in '.tar.gz', got '${this.key}': SageMaker downloads only such archives`);
    }
    if (!Token.isUnresolved(this.key) && /^\/|[*?]/.test(this.key)) {
      problems.push(`'model' key must name one object, without leading '/' and without '*' or '?', got '${this.key}'`);
    }
    return [...problems, ...lengthProblems(this.bucket.bucketName, this.key), ...elsewhereProblems(scope, this.bucket)];
  }

  public bind(_scope: Construct, role: IRole): BoundData {
    grantReadObject(this.bucket, this.key, role);
    return { artifactUrl: this.bucket.s3UrlForObject(this.key) };
  }
}

/** A folder on this machine that is packed at synth. @internal */
export class AssetData implements ModelData {
  public readonly borrowedBucket = true;
  private readonly directory: string;
  private archive?: Archive;

  constructor(directory: string) {
    this.directory = resolve(directory);
  }

  public problems(_scope: Construct, image: InferenceImage, networkIsolation: boolean): string[] {
    if (!existsSync(this.directory) || !statSync(this.directory).isDirectory()) {
      return [`'model' folder ${this.directory} does not exist: give the folder that holds the model data`];
    }
    const files = filesOf(this.directory);
    const problems = packingProblems(this.directory, files);
    if (files.length === 0) {
      problems.push(`'model' folder ${this.directory} holds no file`);
    }
    if (image._requiresCode && !files.includes('code/inference.py')) {
      problems.push(`'model' folder ${this.directory} has no code/inference.py, which the image ${image.label} runs`);
    }
    const { _requirements: requirements } = image;
    if (requirements !== undefined && networkIsolation && files.includes(requirements)) {
      problems.push(`'model' has ${requirements} but 'networkIsolation' leaves no network to install from: put the packages into an image`);
    }
    return problems;
  }

  public bind(scope: Construct, role: IRole): BoundData {
    this.archive ??= packFolder(this.directory, filesOf(this.directory));
    const location = stageArchive(scope, this.archive, { id: 'Archive', file: 'model.tar.gz', what: 'model' });
    grantReadObject(Bucket.fromBucketName(scope, 'AssetBucket', location.bucketName), location.objectKey, role);
    return { artifactUrl: location.s3ObjectUrl };
  }
}
