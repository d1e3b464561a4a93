import { Stack, Token } from 'aws-cdk-lib';
import { IRepository } from 'aws-cdk-lib/aws-ecr';
import { IRole } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { closest, failOn } from '../shared/checks';
import * as families from './image-families';
import { acknowledgeLogin } from './image-login';
import { grantPull, grantResolve, PublishedTag, publishedTag, repositoryUri } from './image-registry';

/** What an image computes on. */
export enum ImageAccelerator {
  /** The CPUs of the instance alone. */
  CPU = 'cpu',
  /** NVIDIA GPUs, with CUDA. */
  GPU = 'gpu',
}

/**
 * A container image that serves models.
 *
 * Images of AWS are named by family and version: the tag up to its processor, such as '2.6.0' of `pytorch-inference:2.6.0-gpu-py312-...`. Their
 * registry account differs by family and Region. An unknown version, a Region without registry and an accelerator that the version is not
 * published for are errors of the endpoint. All are x86-64. Sources: https://github.com/aws/sagemaker-python-sdk (`image_uri_config`) and
 * https://aws.github.io/deep-learning-containers/reference/available_images/, as each file of `data/` says.
 */
export abstract class InferenceImage {
  /**
   * scikit-learn of SageMaker: runs `code/inference.py` of the model archive (script mode), on CPUs.
   *
   * @param version image version, such as '1.4-2'
   */
  public static scikitLearn(version: string): InferenceImage {
    return new AwsImage(families.SCIKIT_LEARN, version);
  }

  /**
   * XGBoost of SageMaker as a framework: runs `code/inference.py` of the model archive (script mode), on CPUs.
   *
   * @param version image version, such as '1.7-1'
   */
  public static xgboost(version: string): InferenceImage {
    return new AwsImage(families.XGBOOST, version);
  }

  /**
   * XGBoost of SageMaker as the built-in algorithm: serves the archive that a job of the algorithm made, without code, on CPUs
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html).
   *
   * @param version image version, such as '1.7-1'
   */
  public static xgboostAlgorithm(version: string): InferenceImage {
    return new AwsImage(families.XGBOOST_ALGORITHM, version);
  }

  /**
   * PyTorch Inference of the AWS Deep Learning Containers: TorchServe; runs `code/inference.py` of the archive when it is there.
   *
   * @param version framework version, such as '2.6.0'
   * @param accelerator what to compute on; default CPU
   */
  public static pytorch(version: string, accelerator?: ImageAccelerator): InferenceImage {
    return new AwsImage(families.PYTORCH, version, accelerator);
  }

  /**
   * TensorFlow Inference of the AWS Deep Learning Containers: serves a SavedModel; runs `code/inference.py` around it when it is there.
   *
   * @param version framework version, such as '2.19.0'
   * @param accelerator what to compute on; default CPU
   */
  public static tensorflow(version: string, accelerator?: ImageAccelerator): InferenceImage {
    return new AwsImage(families.TENSORFLOW, version, accelerator);
  }

  /**
   * Large Model Inference of DJL Serving, on GPUs: language models with vLLM, configured by `serving.properties` in the archive or by `OPTION_...`
   * of the environment (https://docs.djl.ai/docs/serving/serving/docs/lmi/user_guides/starting-guide.html).
   *
   * @param version DJL and LMI version, such as '0.36.0-lmi28.0.0'
   */
  public static djlLmi(version: string): InferenceImage {
    return new AwsImage(families.DJL_LMI, version);
  }

  /**
   * Hugging Face PyTorch Inference: serves a Transformers model; `HF_TASK` in the environment names its task.
   *
   * @param version PyTorch and Transformers version, such as '2.6.0-transformers4.51.3'
   * @param accelerator what to compute on; default CPU
   */
  public static huggingFacePytorch(version: string, accelerator?: ImageAccelerator): InferenceImage {
    return new AwsImage(families.HUGGING_FACE_PYTORCH, version, accelerator);
  }

  /**
   * Text Generation Inference of Hugging Face, on GPUs: serves the language model in the archive; `SM_NUM_GPUS` in the environment spreads it.
   *
   * @param version PyTorch and TGI version, such as '2.7.0-tgi3.3.6'
   */
  public static huggingFaceTgi(version: string): InferenceImage {
    return new AwsImage(families.HUGGING_FACE_TGI, version);
  }

  /**
   * vLLM of Hugging Face, on GPUs: serves the language model in the archive; `SM_VLLM_...` in the environment are options of `vllm serve`.
   *
   * @param version vLLM and Transformers version, such as '0.25.1-transformers5.10.2'
   */
  public static huggingFaceVllm(version: string): InferenceImage {
    return new AwsImage(families.HUGGING_FACE_VLLM, version);
  }

  /**
   * An image of yours.
   *
   * @param repository the repository; its policy must let this account pull when it is another account's
   * @param tagOrDigest a version tag, or a digest `sha256:...`; `latest` and its like are errors: a new image under an
   * unchanged tag changes no template, so it deploys nothing until something else does
   */
  public static fromEcr(repository: IRepository, tagOrDigest: string): InferenceImage {
    return new EcrImage(repository, tagOrDigest);
  }

  /** Name and tag, without account and Region: what a capacity file calls the image. */
  public abstract readonly label: string;
  /** What the image computes on; undefined when that is not known, as of images of yours. */
  public readonly accelerator?: ImageAccelerator;
  /** CUDA version, such as '12.4', that the driver of the instance must support; undefined for CPUs and for images of yours. */
  public readonly cudaVersion?: string;
  /** Whether the image serves nothing without Python code that lies under `code/` in the model archive. @internal */
  public abstract readonly _requiresCode: boolean;
  /** Whether the image also runs training programs in script mode. @internal */
  public abstract readonly _trains: boolean;
  /** File of the archive whose packages the container fetches when it starts. @internal */
  public readonly _requirements?: string;
  /** Last day of patches, where that is past. @internal */
  public readonly _unpatchedSince?: string;
  /** Environment that makes the image serve what lies in the model archive. @internal */
  public abstract readonly _environment: Readonly<Record<string, string>>;
  /** Variables that name the revision of a model of the Hugging Face hub; undefined when the image is not known to fetch one. @internal */
  public readonly _revisionVariables?: readonly string[];
  /** What its makers call it, and the variable by which it is told in which order to serve, if any; undefined when that is not known. @internal */
  public readonly _scheduling?: { readonly family: string; readonly variable?: string };
  /** Whether the image is known to run on x86-64 only. @internal */
  public abstract readonly _x86Only: boolean;
  /** Address of the image's repository, without tag and digest: what a `ModelRelease` is told of images that may serve. */
  public abstract repositoryUri(scope: Construct): string;
  /** What is wrong with the image for an endpoint in `scope`. @internal */
  public abstract _problems(scope: Construct): string[];
  /** Lets `role` pull the image and returns its address. @internal */
  public abstract _bind(scope: Construct, role: IRole): string;

  /** Lets `role` ask for the image behind the tag and returns what to ask for; undefined for an image that trains nothing. @internal */
  public _resolvable(_scope: Construct, _role: IRole): PublishedTag | undefined {
    return undefined;
  }
}

/** An image that AWS publishes: what differs between the families is data. */
class AwsImage extends InferenceImage {
  public readonly label: string;
  public override readonly accelerator: ImageAccelerator;
  public override readonly cudaVersion?: string;
  public readonly _requiresCode: boolean;
  public readonly _trains: boolean;
  public override readonly _requirements?: string;
  public override readonly _unpatchedSince?: string;
  public readonly _environment: Readonly<Record<string, string>>;
  public override readonly _revisionVariables?: readonly string[];
  public override readonly _scheduling: { readonly family: string; readonly variable?: string };
  public readonly _x86Only: boolean;
  private readonly published: readonly string[];

  constructor(
    private readonly family: families.ImageFamily,
    private readonly version: string,
    accelerator?: ImageAccelerator,
  ) {
    super();
    const { data, requiresCode, trains, requirements, environment, revisionVariables } = family;
    const found = Object.hasOwn(data.versions, version) ? data.versions[version] : {};
    this.published = Object.values(ImageAccelerator).filter((kind) => found[kind] !== undefined);
    this.accelerator = accelerator ?? (found.cpu === undefined && found.gpu !== undefined ? ImageAccelerator.GPU : ImageAccelerator.CPU);
    const image = found[this.accelerator];
    this.label = `${data.repository}:${image?.tag ?? version}`;
    this.cudaVersion = image?.cuda;
    this._requiresCode = requiresCode;
    this._trains = trains;
    this._requirements = requirements;
    this._unpatchedSince = found.patchedUntil !== undefined && found.patchedUntil < data.date ? found.patchedUntil : undefined;
    this._environment = environment;
    this._revisionVariables = revisionVariables;
    this._scheduling = { family: family.name, variable: family.schedulingVariable };
    this._x86Only = data.architecture === 'x86_64';
  }

  public _problems(scope: Construct): string[] {
    const { name, data } = this.family;
    const { region } = Stack.of(scope);
    const problems: string[] = [];
    if (!Object.hasOwn(data.versions, this.version)) {
      problems.push(`'image' ${name} '${this.version}' is not one of ${this.knownVersions()}`);
    } else if (!this.published.includes(this.accelerator)) {
      problems.push(`'image' ${name} ${this.version} is published for ${this.published.join(' and ')}, not for '${this.accelerator}'`);
    }
    if (!Token.isUnresolved(region) && !Object.hasOwn(data.accounts, region)) {
      problems.push(`'image' has no ${name} registry known for ${region}: copy the image to a repository of yours and use fromEcr()`);
    }
    return problems;
  }

  public _bind(scope: Construct, role: IRole): string {
    grantPull(scope, role, this.family);
    return `${repositoryUri(scope, this.family)}${this.label.slice(this.family.data.repository.length)}`;
  }

  public override _resolvable(scope: Construct, role: IRole): PublishedTag | undefined {
    if (!this._trains) {
      return undefined;
    }
    grantResolve(scope, role, this.family);
    return publishedTag(scope, this.family, this.label.slice(this.family.data.repository.length + 1));
  }

  public repositoryUri(scope: Construct): string {
    failOn(scope, 'InvalidInferenceImage', this._problems(scope));
    return repositoryUri(scope, this.family);
  }

  /** All versions of the family, and the one that was probably meant: half of a version's name is most often its beginning. */
  private knownVersions(): string {
    const known = Object.keys(this.family.data.versions);
    const near =
      known.findLast((version) => [`${this.version}-`, `${this.version}.`].some((start) => version.startsWith(start))) ??
      closest(this.version, known);
    return `${known.join(', ')}${near === undefined ? '' : `: did you mean '${near}'?`}`;
  }
}

class EcrImage extends InferenceImage {
  public readonly label: string;
  public readonly _requiresCode = false;
  public readonly _trains = false;
  public readonly _environment = {};
  public readonly _x86Only = false;

  constructor(
    private readonly repository: IRepository,
    private readonly tagOrDigest: string,
  ) {
    super();
    const name = Token.isUnresolved(repository.repositoryName) ? '' : repository.repositoryName;
    this.label = `${name}${tagOrDigest.startsWith('sha256:') ? '@' : ':'}${tagOrDigest}`;
  }

  public _problems(scope: Construct): string[] {
    if (Token.isUnresolved(this.tagOrDigest)) {
      return [];
    }
    const [here, there] = [Stack.of(scope).region, this.repository.env.region];
    const problems: string[] = [];
    if (/^(latest|stable|main|master|dev|prod|edge|nightly)$/i.test(this.tagOrDigest)) {
      problems.push(`'image' tag ':${this.tagOrDigest}' is mutable: use a digest or a version tag`);
    } else if (!/^(sha256:[0-9a-f]{64}|[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})$/.test(this.tagOrDigest)) {
      problems.push(
        `'image' must have a tag of up to 128 letters, digits, '_', '.' and '-', or 'sha256:' and 64 hex digits, got '${this.tagOrDigest}'`,
      );
    }
    if (![here, there].some((region) => Token.isUnresolved(region)) && here !== there) {
      problems.push(
        `'image' is in ${there} but the endpoint in ${here}: SageMaker pulls only from its own Region, replicate the repository`,
      );
    }
    return problems;
  }

  public _bind(_scope: Construct, role: IRole): string {
    this.repository.grantPull(role);
    acknowledgeLogin(role);
    return this.repository.repositoryUriForTagOrDigest(this.tagOrDigest);
  }

  public repositoryUri(): string {
    return this.repository.repositoryUri;
  }
}
