import { Duration, Size } from 'aws-cdk-lib';
import { ModelSource } from '../../models/model-source';
import { InferenceAmiVersion } from '../inference-ami';
import { InstanceType } from '../instance-type.generated';
import { ModelSize } from '../model-size';
import { Scaling } from '../scaling';
import { Slo } from '../slo';

/** What every variant beside the endpoint's own is told. Network, key and metrics are those of the endpoint. */
export interface BaseVariantProps {
  /**
   * Where its model comes from. A model of a registry has a pointer of its own, which `ModelRelease` moves when one of its versions is approved; then
   * the endpoint's own model must be of the same registry. Until the first approval a shadow is not there, and a variant that takes requests serves
   * the endpoint's own model: it must be there from the start, because deployments are undone only where variants keep their names
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html).
   */
  readonly model: ModelSource;
  /**
   * Instance type that serves.
   *
   * @default - that of the endpoint
   */
  readonly instance?: InstanceType;
  /**
   * Machine image of the instances.
   *
   * @default - the oldest whose driver carries the CUDA version of the image
   */
  readonly amiVersion?: InferenceAmiVersion;
  /**
   * How much memory the model needs. An instance type that cannot hold it is an error that names the smallest one that can.
   *
   * @default - unknown: not checked
   */
  readonly modelSize?: ModelSize;
  /**
   * Storage volume of each instance, 1 to 512 GiB; not for types with local NVMe storage.
   *
   * @default - as for an endpoint
   */
  readonly volumeSize?: Size;
  /**
   * Time to download the model, 60 to 3,600 s.
   *
   * @default - 10 minutes, 30 minutes on accelerators
   */
  readonly modelDownloadTimeout?: Duration;
  /**
   * Time until the container must answer health checks, 60 to 3,600 s.
   *
   * @default - 10 minutes, 30 minutes on accelerators
   */
  readonly startupTimeout?: Duration;
}

/** A variant that takes a share of the requests: half of an A/B test. */
export interface EndpointVariantProps extends BaseVariantProps {
  /**
   * What it is called, unique in its endpoint: 1 to 40 letters, digits and inner hyphens, not ending in `rollback`. Callers may ask for it by
   * `TargetVariant`. Under another name it is another variant, whose update has no guardrails
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html).
   */
  readonly name: string;
  /**
   * Its share of the requests, against the weights of the others: 0 (none but those that ask for it) to 1,000
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/model-ab-testing.html).
   */
  readonly weight: number;
  /**
   * What it promises its callers.
   *
   * @default - what the endpoint promises
   */
  readonly slo?: Slo;
  /**
   * How many instances serve it. Either all variants of an endpoint scale or none: SageMaker keeps the counts of all or of none in an update.
   *
   * @default Scaling.fixed(1)
   */
  readonly scaling?: Scaling;
}

/** A variant that is sent copies of requests, and whose answers nobody gets. */
export interface ShadowVariantProps extends BaseVariantProps {
  /**
   * What it is called: 1 to 40 letters, digits and inner hyphens, not ending in `rollback`.
   *
   * @default 'Shadow'
   */
  readonly name?: string;
  /**
   * Share of the requests that is copied to it, whole percent, 1 to 100.
   *
   * @default 100
   */
  readonly samplingPercent?: number;
  /**
   * Number of its instances, whole, 1 to 1,000; it does not scale.
   *
   * @default - the fewest of the endpoint
   */
  readonly instances?: number;
}
