import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CfnCondition, Stack, Token } from 'aws-cdk-lib';
import { IRole } from 'aws-cdk-lib/aws-iam';
import { Bucket, IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { Archive, filesOf, packFolder, packingProblems } from './archive';
import { stageArchive } from './archive-asset';
import { grantReadObject } from './archive-object';
import { environmentProblems } from './container-environment';
import { InferenceImage } from './inference-image';
import { bindPackage, registryOrigin, RegistryModelProps, registryProblems } from './registry-model';

/** How a model archive is served. */
export interface ContainerModelProps {
  /** Image of the container that loads the archive. */
  readonly image: InferenceImage;
  /**
   * Environment of the container: up to 100 entries, 1,024 bytes per key or value, 32 KiB in all, each with what the image needs. Secrets
   * by ARN, never by value (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html).
   *
   * @default - what the image needs to find its code
   */
  readonly environment?: { [key: string]: string };
}

/** An image with an archive, as CreateModel takes it. @internal */
export interface BoundArchive {
  readonly imageUri: string;
  readonly artifactUrl: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** A registered version, which brings image, archive and environment itself: CreateModel refuses them beside it. @internal */
export interface BoundPackage {
  readonly packageName: string;
  /** Whether there is an approved version. */
  readonly approved: CfnCondition;
}

/** What an endpoint must know of a model that comes from a registry. @internal */
export interface RegistryOrigin {
  /** Name of the parameter with the approved version. */
  readonly approvedParameter: string;
  /** Name that the release machine looks for. */
  readonly endpointName: string;
  /** Path of the execution role, by which a release may pass it. */
  readonly rolePath: string;
}

/** Where a model comes from. Each source grants the execution role exactly what it needs to load this model. */
export abstract class ModelSource {
  /**
   * A `model.tar.gz` in Amazon S3.
   *
   * @param bucket the bucket, in the Region of the endpoint
   * @param key object key, ending in `.tar.gz`. Give each model its own key: new bytes under the same key are never deployed
   * @param props how the archive is served
   */
  public static fromTarball(bucket: IBucket, key: string, props: ContainerModelProps): ModelSource {
    return new TarballSource(bucket, key, props);
  }

  /**
   * A folder on this machine, packed to a `model.tar.gz` at synth: the same files give the same archive everywhere.
   * `__pycache__` and its like are left out. The archive lies in the asset bucket of the CDK bootstrap.
   *
   * @param directory the folder: model data, and Python code under `code/` for images that run it. At most 1 GiB
   * @param props how the archive is served
   */
  public static fromAsset(directory: string, props: ContainerModelProps): ModelSource {
    return new AssetSource(directory, props);
  }

  /**
   * The approved version of a model in the registry. Until there is one, the stack has neither model nor endpoint; a release then changes
   * them without a change of the template.
   *
   * The pointer must be seeded before, by `ApprovedVersion` in another stack; in the same stack it is an error.
   *
   * @param props which model, where its artefacts lie and what serves it
   */
  public static fromRegistry(props: RegistryModelProps): ModelSource {
    return new RegistrySource(props);
  }

  /** The image that serves the model. */
  public abstract readonly image: InferenceImage;
  /** Set when the model comes from a registry. @internal */
  public readonly _registry?: RegistryOrigin;
  /** Whether the archive lies in a bucket that belongs to the toolchain. @internal */
  public abstract readonly _borrowedBucket: boolean;
  /** What is wrong with this source for an endpoint in `scope`. @internal */
  public abstract _problems(scope: Construct, networkIsolation: boolean): string[];
  /** Lets `role` read the model and pull its image. @internal */
  public abstract _bind(scope: Construct, role: IRole): BoundArchive | BoundPackage;
}

/** A source of an image and an archive. */
abstract class ArchiveSource extends ModelSource {
  public readonly image: InferenceImage;
  public abstract override readonly _borrowedBucket: boolean;
  private readonly environment: Readonly<Record<string, string>>;

  constructor(props: ContainerModelProps) {
    super();
    this.image = props.image;
    this.environment = { ...props.image._environment, ...props.environment };
  }

  public _problems(scope: Construct, networkIsolation: boolean): string[] {
    const hub = this.environment.HF_MODEL_ID;
    const unreachable = networkIsolation && hub !== undefined && !Token.isUnresolved(hub) && !hub.startsWith('/');
    return [
      ...this.image._problems(scope),
      ...environmentProblems(this.environment),
      ...(unreachable ? [`'networkIsolation' needs model data in S3: HF_MODEL_ID must be /opt/ml/model, got '${hub}'`] : []),
      ...this.archiveProblems(scope, networkIsolation),
    ];
  }

  public _bind(scope: Construct, role: IRole): BoundArchive {
    const artifactUrl = this.provideArchive(scope, role);
    return { artifactUrl, imageUri: this.image._bind(scope, role), environment: this.environment };
  }

  protected abstract archiveProblems(scope: Construct, networkIsolation: boolean): string[];
  protected abstract provideArchive(scope: Construct, role: IRole): string;
}

class RegistrySource extends ModelSource {
  public readonly image: InferenceImage;
  public readonly _borrowedBucket = false;
  public override readonly _registry: RegistryOrigin;

  constructor(private readonly props: RegistryModelProps) {
    super();
    this.image = props.image;
    this._registry = registryOrigin(props);
  }

  public _problems(scope: Construct): string[] {
    return [...this.image._problems(scope), ...registryProblems(scope, this.props)];
  }

  public _bind(scope: Construct, role: IRole): BoundPackage {
    this.image._bind(scope, role);
    return bindPackage(scope, role, this.props);
  }
}

class TarballSource extends ArchiveSource {
  public readonly _borrowedBucket = false;

  constructor(
    private readonly bucket: IBucket,
    private readonly key: string,
    props: ContainerModelProps,
  ) {
    super(props);
  }

  protected archiveProblems(scope: Construct): string[] {
    const [here, there] = [Stack.of(scope).region, this.bucket.env.region];
    const problems: string[] = [];
    if (!Token.isUnresolved(this.key) && !this.key.endsWith('.tar.gz')) {
      problems.push(`'model' key must end in '.tar.gz', got '${this.key}': SageMaker downloads only such archives`);
    }
    if (!Token.isUnresolved(this.key) && /^\/|[*?]/.test(this.key)) {
      problems.push(`'model' key must name one object, without leading '/' and without '*' or '?', got '${this.key}'`);
    }
    if (![here, there].some((region) => Token.isUnresolved(region)) && here !== there) {
      problems.push(`'model' is in a bucket in ${there} but the endpoint in ${here}: copy it to a bucket in ${here}`);
    }
    return problems;
  }

  protected provideArchive(_scope: Construct, role: IRole): string {
    grantReadObject(this.bucket, this.key, role);
    return this.bucket.s3UrlForObject(this.key);
  }
}

class AssetSource extends ArchiveSource {
  public readonly _borrowedBucket = true;
  private readonly directory: string;
  private archive?: Archive;

  constructor(directory: string, props: ContainerModelProps) {
    super(props);
    this.directory = resolve(directory);
  }

  protected archiveProblems(_scope: Construct, networkIsolation: boolean): string[] {
    if (!existsSync(this.directory) || !statSync(this.directory).isDirectory()) {
      return [`'model' folder ${this.directory} does not exist: give the folder that holds the model data`];
    }
    const files = filesOf(this.directory);
    const problems = packingProblems(this.directory, files);
    if (files.length === 0) {
      problems.push(`'model' folder ${this.directory} holds no file`);
    }
    if (this.image._requiresCode && !files.includes('code/inference.py')) {
      problems.push(`'model' folder ${this.directory} has no code/inference.py, which the image ${this.image.label} runs`);
    }
    const { _requirements: requirements } = this.image;
    if (requirements !== undefined && networkIsolation && files.includes(requirements)) {
      problems.push(`'model' has ${requirements} but 'networkIsolation' leaves no network to install from: put the packages into an image`);
    }
    return problems;
  }

  protected provideArchive(scope: Construct, role: IRole): string {
    this.archive ??= packFolder(this.directory, filesOf(this.directory));
    const location = stageArchive(scope, this.archive, { id: 'Archive', file: 'model.tar.gz', what: 'model' });
    grantReadObject(Bucket.fromBucketName(scope, 'AssetBucket', location.bucketName), location.objectKey, role);
    return location.s3ObjectUrl;
  }
}
