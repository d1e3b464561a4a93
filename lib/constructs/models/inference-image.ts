import { Aws, CfnMapping, Stack, Token } from 'aws-cdk-lib';
import { IRepository } from 'aws-cdk-lib/aws-ecr';
import { IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import scikit from './data/scikit-learn.json';
import { acknowledgeLogin, grantLogin } from './image-login';

/** A container image that serves models. */
export abstract class InferenceImage {
  /**
   * The scikit-learn image of SageMaker. It runs `code/inference.py` of the model archive (script mode), on x86-64 CPUs.
   *
   * The registry account differs by Region (https://github.com/aws/sagemaker-python-sdk, `image_uri_config/sklearn.json`).
   *
   * @param version image version, such as '1.4-2'; an unknown one is an error
   */
  public static scikitLearn(version: string): InferenceImage {
    return new ScikitLearnImage(version);
  }

  /**
   * An image of yours.
   *
   * @param repository the repository; its policy must let this account pull when it is another account's
   * @param tagOrDigest a version tag, or a digest `sha256:...`; `latest` and its like are errors, because an endpoint whose image
   * changes under an unchanged tag keeps the old one and mixes both when it scales out
   */
  public static fromEcr(repository: IRepository, tagOrDigest: string): InferenceImage {
    return new EcrImage(repository, tagOrDigest);
  }

  /** Name and tag, without account and Region: what a capacity file calls the image. */
  public abstract readonly label: string;
  /** Whether the image serves Python code that lies under `code/` in the model archive. @internal */
  public abstract readonly _scriptMode: boolean;
  /** Environment that makes the image serve code that lies in the model archive. @internal */
  public abstract readonly _environment: Readonly<Record<string, string>>;
  /** Whether the image is known to run on x86-64 only. @internal */
  public abstract readonly _x86Only: boolean;
  /** Whether the image is known to leave accelerators idle. @internal */
  public abstract readonly _cpuOnly: boolean;
  /** Address of the image's repository, without tag and digest: what a `ModelRelease` is told of images that may serve. */
  public abstract repositoryUri(scope: Construct): string;
  /** What is wrong with the image for an endpoint in `scope`. @internal */
  public abstract _problems(scope: Construct): string[];
  /** Lets `role` pull the image and returns its address. @internal */
  public abstract _bind(scope: Construct, role: IRole): string;
}

/** Program and folder of script mode; the folder is inside the archive, so that no network is needed to fetch it. */
const SCRIPT_MODE = { SAGEMAKER_PROGRAM: 'inference.py', SAGEMAKER_SUBMIT_DIRECTORY: '/opt/ml/model/code' };

class ScikitLearnImage extends InferenceImage {
  public readonly label: string;
  public readonly _scriptMode = true;
  public readonly _environment = SCRIPT_MODE;
  public readonly _x86Only = true;
  public readonly _cpuOnly = true;

  constructor(private readonly version: string) {
    super();
    this.label = `${scikit.repository}:${version}${scikit.tagSuffix}`;
  }

  public _problems(scope: Construct): string[] {
    const { region } = Stack.of(scope);
    const problems: string[] = [];
    if (!scikit.versions.includes(this.version)) {
      problems.push(`'image' scikit-learn '${this.version}' is not one of ${scikit.versions.join(', ')}`);
    }
    if (!Token.isUnresolved(region) && !Object.hasOwn(scikit.accounts, region)) {
      problems.push(`'image' has no scikit-learn registry known for ${region}: copy the image to a repository of yours and use fromEcr()`);
    }
    return problems;
  }

  public _bind(scope: Construct, role: IRole): string {
    const stack = Stack.of(scope);
    const account = registryAccount(scope, stack.region);
    role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: 'PullImage',
        actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        resources: [stack.formatArn({ service: 'ecr', account, resource: 'repository', resourceName: scikit.repository })],
      }),
    );
    grantLogin(role);
    return `${registryHost(stack, account)}/${this.label}`;
  }

  public repositoryUri(scope: Construct): string {
    const stack = Stack.of(scope);
    return `${registryHost(stack, registryAccount(scope, stack.region))}/${scikit.repository}`;
  }
}

const registryHost = (stack: Stack, account: string): string => `${account}.dkr.ecr.${stack.region}.${Aws.URL_SUFFIX}`;

/** The account that publishes the scikit-learn image: looked up now when the Region is known, otherwise by the deployment. */
function registryAccount(scope: Construct, region: string): string {
  const accounts: Record<string, string> = scikit.accounts;
  if (!Token.isUnresolved(region)) {
    return accounts[region];
  }
  const mapping = Object.fromEntries(Object.entries(accounts).map(([name, account]) => [name, { account }]));
  const existing = scope.node.tryFindChild('ScikitLearnRegistry') as CfnMapping | undefined;
  return (existing ?? new CfnMapping(scope, 'ScikitLearnRegistry', { mapping })).findInMap(Aws.REGION, 'account');
}

class EcrImage extends InferenceImage {
  public readonly label: string;
  public readonly _scriptMode = false;
  public readonly _environment = {};
  public readonly _x86Only = false;
  public readonly _cpuOnly = false;

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
