import { Duration } from 'aws-cdk-lib';
import { closest } from '../shared/contract';
import { notWhole, outsideRange, unknownAmount } from '../shared/checks';
import type { FeatureStore } from '../data/features/feature-store';
import type { RollingAggregate } from '../data/features/rolling-aggregate';
import type { ModelSignature } from './model-signature';

/**
 * Time for all lookups of a request. Amazon DynamoDB answers within single-digit milliseconds
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Introduction.html) on the connection that the books have opened just before;
 * the rest is for one lost packet or one repetition. It is what the slowest prediction waits longer, so it stays below common latency bounds.
 *
 * @internal
 */
export const FEATURE_TIMEOUT = Duration.millis(200);

/** @internal */
export function featureTimeoutProblems(timeout: Duration | undefined): string[] {
  if (timeout === undefined || timeout.isUnresolved()) {
    return unknownAmount('featureTimeout', timeout);
  }
  const milliseconds = timeout.toMilliseconds({ integral: false });
  return [
    ...outsideRange('featureTimeout (milliseconds)', milliseconds, 10, 2000),
    ...notWhole('featureTimeout (milliseconds)', milliseconds),
  ];
}

/** Numbers that a body which is written anew would round. */
const ROUNDED = ['INT64', 'UINT64'];

/** Reasons why the API cannot fill in what signatures name. @internal */
export function signatureFeatureProblems(signatures: { readonly [model: string]: ModelSignature } = {}, store?: FeatureStore): string[] {
  return Object.entries(signatures).flatMap(([model, { inputs }]) =>
    featureInputProblems(`'signatures.${model}'`, inputs, store?.features ?? []),
  );
}

type Input = ModelSignature['inputs'][number];
type Feature = Pick<RollingAggregate, 'name' | 'entity'>;

/** Reasons why the inputs of a signature, which is called `at`, cannot be filled in from `features`. @internal */
export function featureInputProblems(at: string, inputs: Input[], features: readonly Feature[]): string[] {
  const filled = inputs.filter(({ feature }) => feature !== undefined);
  const large = filled.length === 0 ? [] : inputs.filter(({ datatype }) => ROUNDED.includes(datatype));
  return [
    ...filled.flatMap((input) => inputProblems(`${at} input '${input.name}'`, input, inputs, features)),
    ...large.map(
      ({ name, datatype }) =>
        `${at} has features and the ${datatype} input '${name}', which would be rounded: make it INT32, FP64 or BYTES`,
    ),
  ];
}

function inputProblems(at: string, { datatype, shape, feature }: Input, inputs: Input[], features: readonly Feature[]): string[] {
  const form = ['FP32', 'FP64'].includes(datatype) && shape.length === 1 && shape[0] === -1;
  const formed = form ? [] : [`${at} is a feature: it must be FP32 or FP64 of shape [-1], got ${datatype} of [${shape.join(', ')}]`];
  const known = features.find((candidate) => candidate.name === feature);
  if (known === undefined) {
    const names = features.map((candidate) => candidate.name);
    const near = closest(feature!, names);
    const help = names.length === 0 ? "give 'features'" : near === undefined ? `known: ${names.join(', ')}` : `did you mean '${near}'?`;
    return [...formed, `${at} names the feature '${feature}', which there is not: ${help}`];
  }
  const columns = known.entity.filter((column) => !inputs.some((input) => input.name === column && input.shape.length === 1));
  return [...formed, ...columns.map((column) => `${at} is looked up by '${column}', which is no input of one dimension: add it`)];
}
