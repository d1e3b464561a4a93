import { CfnCondition, Token } from 'aws-cdk-lib';
import { IRole } from 'aws-cdk-lib/aws-iam';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { AssetData, TarballData } from './archive-data';
import { environmentProblems } from './container-environment';
import { HubData, HuggingFaceModelProps } from './hub-data';
import { InferenceImage } from './inference-image';
import { JumpStartData, JumpStartModelProps } from './jump-start-data';
import type { BoundData, ChoosyMode, ModelData } from './model-data';
import { PrefixData } from './prefix-data';
import { bindPackage, registryOrigin, RegistryModelProps, registryProblems } from './registry-model';
import { arrivalOrder } from './serving-order';

/** How the data of a model is served. */
export interface ContainerModelProps {
  /** Image of the container that loads it. */
  readonly image: InferenceImage;
  /**
   * Environment of the container: up to 100 entries, 1,024 bytes per key or value, 32 KiB in all, each with what the image needs. Secrets
   * by ARN, never by value (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html).
   *
   * @default - what the image needs to find its code
   */
  readonly environment?: { [key: string]: string };
}

/** An image with the data that it loads, as CreateModel takes them. @internal */
export interface BoundContainer extends BoundData {
  readonly imageUri: string;
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
  /** Name of the group of its versions. */
  readonly group: string;
  /** Lets `role` read the archive of any version of the model, for those who look for the approved one when they run. */
  readonly grantReadVersions: (role: IRole) => void;
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
    return new ContainerSource(new TarballData(bucket, key), props);
  }

  /**
   * Uncompressed files below a prefix in Amazon S3: for weights that are too large to pack and unpack. A container finds them below
   * `/opt/ml/model` (https://docs.aws.amazon.com/sagemaker/latest/dg/large-model-inference-uncompressed.html).
   *
   * Every object below the prefix is loaded, so nothing else may lie there: not even the empty "folders" that the console makes, which break a
   * deployment. Not for serverless endpoints and batch transform.
   *
   * @param bucket the bucket, in the Region of the endpoint
   * @param prefix ends with '/'. Give each model its own prefix: new bytes under the same keys are never deployed, and mix with the old ones
   * when the endpoint scales out
   * @param props how the files are served
   */
  public static fromPrefix(bucket: IBucket, prefix: string, props: ContainerModelProps): ModelSource {
    return new ContainerSource(new PrefixData(bucket, prefix), props);
  }

  /**
   * One revision of a public model of the Hugging Face hub, which every container downloads when it starts. For trying a model out: what stays is
   * staged in Amazon S3 (`npm run stage-model`) and served by `fromPrefix()`, without a network and without a token.
   *
   * Private and gated models can only be staged: the environment of a container is readable by anyone who may describe the model, so a token has
   * no place there (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html). Nothing is granted.
   *
   * @param id name at the hub, such as 'Qwen/Qwen3-8B'
   * @param props revision and image: one of AWS that fetches a revision, such as `InferenceImage.djlLmi()`
   */
  public static fromHuggingFace(id: string, props: HuggingFaceModelProps): ModelSource {
    return new ContainerSource(new HubData(id, props), props);
  }

  /**
   * Data of a model of Amazon SageMaker JumpStart, in the bucket of AWS. Image and environment are what its hub content says (`HostingEcrUri` and
   * its environment variables): where they are not given, JumpStart's own defaults do not apply.
   *
   * Not offered, because no public page says what the execution role needs: models of a private hub (`HubAccessConfig`). Proprietary models are
   * model packages of AWS Marketplace.
   *
   * @param address `HostingArtifactUri` or `HostingPrepackedArtifactUri` of the hub content:
   * `s3://jumpstart-cache-prod-<region>/...` or, for gated models, `s3://jumpstart-private-cache-prod-<region>/...`; it ends with '/' or
   * `.tar.gz`. Known at synth
   * @param props image, and whether the licence is accepted
   */
  public static fromJumpStart(address: string, props: JumpStartModelProps): ModelSource {
    return new ContainerSource(new JumpStartData(address, props), props);
  }

  /**
   * An image that holds its model already, or makes do without one.
   *
   * @param props the image, such as one of yours by `InferenceImage.fromEcr()`
   */
  public static fromImage(props: ContainerModelProps): ModelSource {
    return new ContainerSource({ problems: () => [], bind: () => ({}) }, props);
  }

  /**
   * A folder on this machine, packed to a `model.tar.gz` at synth: the same files give the same archive everywhere.
   * `__pycache__` and its like are left out. The archive lies in the asset bucket of the CDK bootstrap.
   *
   * @param directory the folder: model data, and Python code under `code/` for images that run it. At most 1 GiB
   * @param props how the archive is served
   */
  public static fromAsset(directory: string, props: ContainerModelProps): ModelSource {
    return new ContainerSource(new AssetData(directory), props);
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
  /** Whether a container must reach beyond AWS to load the model when it starts: then there is no network isolation. */
  public abstract readonly needsNetwork: boolean;
  /** Set when the model comes from a registry. @internal */
  public readonly _registry?: RegistryOrigin;
  /** Whether the data lies in a bucket that belongs to the toolchain. @internal */
  public abstract readonly _borrowedBucket: boolean;
  /** What is wrong with this source for an endpoint in `scope`. @internal */
  public abstract _problems(scope: Construct, networkIsolation: boolean): string[];
  /** Why this source cannot serve in production, on an endpoint that outlives its stack; nothing when it can. @internal */
  public _keptProblems(): string[] {
    return [];
  }
  /** Why this source cannot be served this way; nothing when it can. @internal */
  public abstract _exclusionProblems(mode: ChoosyMode): string[];
  /** Why requests are known to be served in order of arrival, whatever priority they state; undefined when they are not, or that is not known. @internal */
  public abstract _arrivalOrder(): string | undefined;
  /** Lets `role` read the model and pull its image. @internal */
  public abstract _bind(scope: Construct, role: IRole): BoundContainer | BoundPackage;
}

/** A source of an image and the data that it loads. */
class ContainerSource extends ModelSource {
  public readonly image: InferenceImage;
  public readonly needsNetwork: boolean;
  public readonly _borrowedBucket: boolean;
  private readonly environment: Readonly<Record<string, string>>;

  constructor(
    private readonly data: ModelData,
    props: ContainerModelProps,
  ) {
    super();
    this.image = props.image;
    this.needsNetwork = data.needsNetwork ?? false;
    this._borrowedBucket = data.borrowedBucket ?? false;
    this.environment = { ...props.image._environment, ...props.environment, ...data.environment };
  }

  public _problems(scope: Construct, networkIsolation: boolean): string[] {
    const hub = this.environment.HF_MODEL_ID;
    const unreachable = networkIsolation && !this.needsNetwork && hub !== undefined && !Token.isUnresolved(hub) && !hub.startsWith('/');
    return [
      ...this.image._problems(scope),
      ...environmentProblems(this.environment),
      ...(unreachable ? [`'networkIsolation' needs model data in S3: HF_MODEL_ID must be /opt/ml/model, got '${hub}'`] : []),
      ...this.data.problems(scope, this.image, networkIsolation),
    ];
  }

  public override _keptProblems(): string[] {
    return this.data.keptProblems?.() ?? [];
  }

  public _exclusionProblems(mode: ChoosyMode): string[] {
    const problem = this.data.exclusions?.[mode];
    return problem === undefined ? [] : [problem];
  }

  public _arrivalOrder(): string | undefined {
    return arrivalOrder(this.image, this.environment);
  }

  public _bind(scope: Construct, role: IRole): BoundContainer {
    const data = this.data.bind(scope, role);
    return { ...data, imageUri: this.image._bind(scope, role), environment: this.environment };
  }
}

class RegistrySource extends ModelSource {
  public readonly image: InferenceImage;
  public readonly needsNetwork = false;
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

  public _exclusionProblems(mode: ChoosyMode): string[] {
    return mode === 'component'
      ? [
          "'model' is of a registry, whose releases update endpoints with one model: use InferenceEndpoint, or give its archive by fromTarball()",
        ]
      : [];
  }

  /** The environment is that of the version which is approved when it is deployed. */
  public _arrivalOrder(): string | undefined {
    return arrivalOrder(this.image, undefined);
  }

  public _bind(scope: Construct, role: IRole): BoundPackage {
    this.image._bind(scope, role);
    return bindPackage(scope, role, this.props);
  }
}
