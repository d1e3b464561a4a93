import { Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { mismatch } from '../shared/checks';
import { InferenceImage } from './inference-image';
import type { BoundData, ModelData } from './model-data';
import type { ContainerModelProps } from './model-source';

/** Which revision of a model of the Hugging Face hub is served, and how. */
export interface HuggingFaceModelProps extends ContainerModelProps {
  /** Commit of the model: 40 hexadecimal digits. A branch or a tag moves, and instances would serve different models. */
  readonly revision: string;
  /**
   * Acknowledges that every container downloads the weights from outside AWS when it starts: a new instance then starts only while the hub
   * answers, is not cut off from the network, and whoever controls the account at the hub can take the model away. Needs
   * `networkIsolation: false`. Not in production, that is on an endpoint that outlives its stack (`removalPolicy`): there it is an error.
   *
   * @default false - an error that says how to stage the model in Amazon S3 instead
   */
  readonly downloadAtStart?: boolean;
}

/** A public model that each container fetches from the hub. It is granted nothing. @internal */
export class HubData implements ModelData {
  public readonly needsNetwork = true;
  public readonly environment: Readonly<Record<string, string>>;

  constructor(
    private readonly id: string,
    private readonly props: HuggingFaceModelProps,
  ) {
    const revisions = (props.image._revisionVariables ?? []).map((name) => [name, props.revision]);
    this.environment = { HF_MODEL_ID: id, ...Object.fromEntries(revisions) };
  }

  public problems(_scope: Construct, image: InferenceImage, networkIsolation: boolean): string[] {
    return [
      ...mismatch('model', this.id, HUB_ID, "an id of the Hugging Face hub, such as 'Qwen/Qwen3-8B'"),
      ...mismatch('revision', this.props.revision, COMMIT, 'a commit of 40 hexadecimal digits, because branches and tags move'),
      ...(image._revisionVariables === undefined
        ? [`'image' ${image.label} is not known to fetch a revision from the Hugging Face hub: ${this.advice}`]
        : []),
      ...this.environmentProblems(),
      ...this.networkProblems(networkIsolation),
    ];
  }

  /** Error in production, whatever was acknowledged. */
  public keptProblems(): string[] {
    return [`'model' ${this.id} would be downloaded from outside AWS whenever an instance of a production endpoint starts: ${this.advice}`];
  }

  public bind(): BoundData {
    return {};
  }

  private get advice(): string {
    const revision = COMMIT.test(this.props.revision) ? this.props.revision : '<commit>';
    return (
      `stage it with \`npm run stage-model -- ${Token.isUnresolved(this.id) ? '<id>' : this.id} --revision ${revision} ` +
      '--to s3://<bucket>/<prefix>/\` and use ModelSource.fromPrefix()'
    );
  }

  private environmentProblems(): string[] {
    return Object.keys(this.environment)
      .filter((name) => this.props.environment?.[name] !== undefined)
      .map((name) => `'environment' must not set ${name}: the source does, from its id and revision`);
  }

  private networkProblems(networkIsolation: boolean): string[] {
    if (!networkIsolation && this.props.downloadAtStart === true) {
      return [];
    }
    return [
      `'model' ${this.id} would be downloaded from outside AWS whenever an instance starts: ${this.advice}; ` +
        "or, outside production, set 'downloadAtStart: true' here and 'networkIsolation: false' on the endpoint",
    ];
  }
}

const HUB_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,95}(\/[A-Za-z0-9][A-Za-z0-9_.-]{0,95})?$/;
const COMMIT = /^[0-9a-f]{40}$/;
