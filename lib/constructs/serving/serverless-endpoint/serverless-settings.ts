import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { SloAlarmSettings, rollbackAlarmSeconds } from '../endpoint/slo-alarms';
import { Rollout } from '../rollout';
import { RolloutSetting } from '../rollout/way';
import { ProvisionedConcurrency } from './provisioned-concurrency';
import type { ServerlessEndpointProps } from './serverless-endpoint';

/** The properties of a serverless endpoint with every default in its place. @internal */
export interface ServerlessSettings extends SloAlarmSettings {
  readonly memory: Size;
  readonly maxConcurrency: number;
  readonly provisionedConcurrency?: ProvisionedConcurrency;
  readonly coldStartBelow: Duration;
  readonly rollout: Rollout;
  readonly removalPolicy: RemovalPolicy;
}

/** @internal */
export function settingsOf(props: ServerlessEndpointProps): ServerlessSettings {
  return {
    slo: props.slo,
    memory: props.memory ?? Size.gibibytes(2),
    // The quota of a new account is 10 for all its serverless endpoints together (https://docs.aws.amazon.com/general/latest/gr/sagemaker.html).
    maxConcurrency: props.maxConcurrency ?? 5,
    provisionedConcurrency: props.provisionedConcurrency,
    coldStartBelow: props.coldStartBelow ?? Duration.seconds(30),
    rollout: props.rollout ?? Rollout.auto(),
    removalPolicy: props.removalPolicy ?? RemovalPolicy.DESTROY,
    // Serverless endpoints have neither: their metrics come once a minute.
    enhancedMetrics: false,
    metricFrequency: Duration.minutes(1),
  };
}

/** What a rollout must know of its endpoint. @internal */
export function rolloutSetting(settings: ServerlessSettings): RolloutSetting {
  return {
    minInstances: 1,
    maxInstances: 1,
    accelerators: 0,
    unguarded: false,
    serverless: true,
    startSeconds: 0,
    alarmSeconds: rollbackAlarmSeconds(settings),
  };
}
