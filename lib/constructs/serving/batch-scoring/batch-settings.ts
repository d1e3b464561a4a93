import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { physicalName } from '../../shared/names';
import { BatchInput, BatchOutput, BatchSplit, BatchStrategy } from './batch-location';
import { BatchScoringProps } from './batch-scoring-props';

/** The properties of a batch scoring with every default in its place. @internal */
export interface BatchSettings {
  readonly name: string;
  /** Starts the names of jobs and of what belongs to one run: with two hyphens and a hash of 32 it has 62 characters. */
  readonly jobPrefix: string;
  readonly input: BatchInput & Required<Pick<BatchInput, 'contentType' | 'split' | 'gzip'>>;
  readonly output: BatchOutput & Required<Pick<BatchOutput, 'prefix' | 'accept' | 'joinInput'>>;
  readonly instanceCount: number;
  readonly strategy?: BatchStrategy;
  readonly maxConcurrentTransforms: number;
  readonly maxPayload: Size;
  readonly invocationTimeout: Duration;
  readonly invocationRetries: number;
  readonly timeout: Duration;
  readonly networkIsolation: boolean;
  readonly removalPolicy: RemovalPolicy;
}

/** @internal */
export function settingsOf(props: BatchScoringProps, name: string): BatchSettings {
  const { input, output, slo } = props;
  const contentType = input.contentType ?? 'text/csv';
  const split = input.split ?? BatchSplit.LINE;
  return {
    name,
    jobPrefix: physicalName([name], 28),
    input: { ...input, contentType, split, gzip: input.gzip ?? false },
    output: { ...output, prefix: output.prefix ?? name, accept: output.accept ?? contentType, joinInput: output.joinInput ?? false },
    instanceCount: props.instanceCount ?? 1,
    strategy: props.strategy ?? (split === BatchSplit.NONE ? undefined : BatchStrategy.MULTI_RECORD),
    maxConcurrentTransforms: props.maxConcurrentTransforms ?? 1,
    maxPayload: props.maxPayload ?? Size.mebibytes(6),
    invocationTimeout: props.invocationTimeout ?? Duration.minutes(10),
    invocationRetries: props.invocationRetries ?? 3,
    timeout:
      props.timeout ?? (slo.within.isUnresolved() ? slo.within : Duration.millis(2 * slo.within.toMilliseconds({ integral: false }))),
    networkIsolation: props.networkIsolation ?? true,
    removalPolicy: props.removalPolicy ?? RemovalPolicy.DESTROY,
  };
}
