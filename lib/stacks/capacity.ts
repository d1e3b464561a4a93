import { Duration, Size, TimeZone } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import { ModelSizeConfig, RolloutConfig, ScheduleConfig } from '../config/capacity-schema';
import { RealtimeConfig } from '../config/endpoint-schema';
import { INetwork } from '../constructs/network';
import { InferenceAmiVersion, InstanceType, ModelSize, Rollout, ScalingSchedule, Slo } from '../constructs/serving';

/** How an update reaches the fleet; undefined: as the construct thinks best. */
export function rolloutOf(config: RolloutConfig | undefined): Rollout | undefined {
  if (config === undefined) {
    return undefined;
  }
  const { bakeSeconds } = config;
  const bake = bakeSeconds === undefined ? undefined : Duration.seconds(bakeSeconds);
  switch (config.way) {
    case 'auto':
      return Rollout.auto({ bake });
    case 'allAtOnce':
      return Rollout.allAtOnce({ bake });
    case 'canary':
      return Rollout.canary({ bake, percent: config.percent, instances: config.instances });
    case 'linear':
      return Rollout.linear({ bake, stepPercent: config.stepPercent });
    case 'rolling':
      return Rollout.rolling({ bake, batchPercent: config.batchPercent, rollbackPercent: config.rollbackPercent });
  }
}

export function modelSizeOf(config: ModelSizeConfig | undefined): ModelSize | undefined {
  if (config === undefined) {
    return undefined;
  }
  const { parameters, weightsGiB, precision, ...memory } = config;
  return parameters === undefined
    ? ModelSize.ofWeights(Size.mebibytes(Math.ceil(weightsGiB! * 1024)), memory)
    : ModelSize.ofParameters(parameters, { ...memory, precision });
}

export const schedulesOf = (config: ScheduleConfig[] = []): ScalingSchedule[] =>
  config.map(({ name, cron, at, timeZone, min, max }) =>
    ScalingSchedule.at({
      name,
      schedule: Schedule.expression(cron === undefined ? `at(${at})` : `cron(${cron})`),
      timeZone: timeZone === undefined ? undefined : TimeZone.of(timeZone),
      min,
      max,
    }),
  );

type HostConfig = Pick<RealtimeConfig, 'instance' | 'unlistedInstance' | 'amiVersion'>;

/** What instances are, and the network that they are in; without one that of the service. */
export const hostOf = ({ instance, unlistedInstance, amiVersion }: HostConfig, network: INetwork | undefined) => ({
  instance: unlistedInstance ? InstanceType.of(instance) : InstanceType.fromCatalogue(instance),
  amiVersion: amiVersion === undefined ? undefined : InferenceAmiVersion.of(amiVersion),
  vpc: network?.vpc,
  vpcSubnets: network?.subnets,
  securityGroups: network && [network.securityGroup],
});

export const sloOf = ({ latencyPercentile, latencyBelowMs, availabilityPercent }: RealtimeConfig['slo']): Slo =>
  Slo.latency({ percentile: latencyPercentile, below: Duration.millis(latencyBelowMs), availabilityPercent });
