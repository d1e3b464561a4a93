import { Duration, Stack, Token } from 'aws-cdk-lib';
import { CfnEndpointConfig } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { InferenceImage } from '../../models/inference-image';
import { mismatch, outsideRange, notWhole, unknownAmount } from '../../shared/checks';
import { AmiDecision, chooseAmi, InferenceAmiVersion } from '../inference-ami';
import { InstanceType } from '../instance-type.generated';

/** Where instances come from when they are scarce. */
export interface InstanceSupplyProps {
  /**
   * Instance types to take instead when `instance` cannot be had, the best first: up to 4, with the same kind of storage, each able to run the image on one
   * machine image. AWS calls all of them instance pools; each needs a quota of its own
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-heterogeneous.html).
   *
   * @default - none: an update or a scale-out fails while `instance` cannot be had
   */
  readonly fallbackInstances?: InstanceType[];
  /**
   * How long SageMaker tries to get instances, of whichever of the types, whole seconds from 5 minutes to 1 hour.
   *
   * @default - that of SageMaker
   */
  readonly provisionTimeout?: Duration;
  /**
   * ARN of the ML capacity reservation, such as a training plan for endpoints, that all instances are taken from, and no others: when it ends, the endpoint
   * stops serving. It must be for the type of `instance`; an update that takes a second fleet needs room for that too
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/training-plan-utilization-for-inference-endpoints.html).
   *
   * @default - instances on demand
   */
  readonly capacityReservationArn?: string;
}

const MOST_FALLBACKS = 4;

/** What is wrong with where instances come from. @internal */
export function supplyProblems(
  scope: Construct,
  props: InstanceSupplyProps & { readonly instance: InstanceType; readonly amiVersion?: InferenceAmiVersion },
  ami: AmiDecision,
  image?: InferenceImage,
): string[] {
  const { instance, fallbackInstances = [], provisionTimeout, capacityReservationArn } = props;
  const names = [instance, ...fallbackInstances].map(({ name }) => name);
  return [
    ...(fallbackInstances.length > MOST_FALLBACKS
      ? [`'fallbackInstances' may be at most ${MOST_FALLBACKS}, got ${fallbackInstances.length}: SageMaker takes five types`]
      : []),
    ...[...new Set(names.filter((name, position) => names.indexOf(name) !== position))].map(
      (name) => `'fallbackInstances' has ${name} more than once, or it is that of 'instance': give each type once`,
    ),
    ...fallbackInstances.flatMap((fallback) => fallbackProblems(fallback, props, ami, image)),
    ...timeoutProblems(provisionTimeout),
    ...reservationProblems(scope, capacityReservationArn, fallbackInstances),
  ];
}

/** One variant has one machine image and one volume, whichever type it runs on. */
function fallbackProblems(
  fallback: InstanceType,
  { instance, amiVersion }: { readonly instance: InstanceType; readonly amiVersion?: InferenceAmiVersion },
  ami: AmiDecision,
  image?: InferenceImage,
): string[] {
  const own = chooseAmi(fallback, image, amiVersion);
  const known = instance.localStorage !== undefined && fallback.localStorage !== undefined;
  return [
    ...own.problems,
    ...(own.problems.length === 0 && ami.problems.length === 0 && own.version !== ami.version
      ? [
          `'fallbackInstances' ${fallback.name} would start from ${own.version ?? "SageMaker's default image"} and ${instance.name} from ` +
            `${ami.version ?? "SageMaker's default image"}, but a variant has one: give an 'amiVersion' that is for both`,
        ]
      : []),
    ...(known && instance.localStorage !== fallback.localStorage
      ? [`'fallbackInstances' ${fallback.name} and ${instance.name} differ in storage, local or a volume: take types of one kind`]
      : []),
  ];
}

function timeoutProblems(timeout: Duration | undefined): string[] {
  if (timeout === undefined || timeout.isUnresolved()) {
    return unknownAmount('provisionTimeout', timeout);
  }
  const seconds = timeout.toSeconds({ integral: false });
  return [...notWhole('provisionTimeout, in seconds,', seconds), ...outsideRange('provisionTimeout, in seconds,', seconds, 300, 3600)];
}

/** https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantCapacityReservationConfig.html */
function reservationProblems(scope: Construct, arn: string | undefined, fallbackInstances: InstanceType[]): string[] {
  if (arn === undefined) {
    return [];
  }
  const shape = "the ARN of an ML capacity reservation, such as 'arn:aws:sagemaker:us-east-1:111122223333:training-plan/chat'";
  const region = Token.isUnresolved(arn) ? undefined : arn.split(':')[3];
  const here = Stack.of(scope).region;
  const elsewhere = region !== undefined && region !== '' && !Token.isUnresolved(here) && region !== here;
  return [
    ...mismatch('capacityReservationArn', arn, /^(?=.{20,258}$)arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:[a-z0-9-]{1,14}\/.+$/, shape),
    ...(elsewhere ? [`'capacityReservationArn' is in ${region} but the endpoint in ${here}: reserve in ${here}`] : []),
    ...(fallbackInstances.length > 0
      ? ["'fallbackInstances' cannot be had from 'capacityReservationArn', which is for one type: give one of the two"]
      : []),
  ];
}

/** How a variant names its instances. @internal */
export function supplyConfig({
  instance,
  fallbackInstances = [],
  provisionTimeout,
  capacityReservationArn,
}: InstanceSupplyProps & { readonly instance: InstanceType }): Partial<CfnEndpointConfig.ProductionVariantProperty> {
  const types = [instance, ...fallbackInstances].map(({ name }) => name);
  return {
    instanceType: types.length === 1 ? instance.name : undefined,
    instancePools: types.length === 1 ? undefined : types.map((instanceType, position) => ({ instanceType, priority: position + 1 })),
    variantInstanceProvisionTimeoutInSeconds: provisionTimeout?.toSeconds(),
    capacityReservationConfig:
      capacityReservationArn === undefined
        ? undefined
        : { capacityReservationPreference: 'capacity-reservations-only', mlReservationArn: capacityReservationArn },
  };
}
