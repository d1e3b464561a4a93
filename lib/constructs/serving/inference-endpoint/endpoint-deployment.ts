import { Duration, Token } from 'aws-cdk-lib';
import { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { EndpointBase } from '../endpoint/endpoint-base';
import { recordInstances } from '../quota/quota-manifest';
import { rollbackAlarmSeconds } from '../endpoint/slo-alarms';
import { allVariants, EndpointSettings } from './endpoint-settings';
import { rollbackAlarmNames } from './inference-endpoint-alarms';
import { isUnguarded } from '../endpoint/endpoint-checks';
import { RolloutSetting } from '../rollout/way';

/** What a rollout must know of its endpoint: what holds for its smallest and its slowest variant. @internal */
export function rolloutSetting(settings: EndpointSettings): RolloutSetting {
  const variants = allVariants(settings);
  const ranges = variants.map(({ scaling }) => scaling._range);
  const unknown = ranges.flatMap(({ least, most }) => [least, most]).find((count) => Token.isUnresolved(count));
  const { slo, ...rest } = settings;
  return {
    minInstances: unknown ?? Math.min(...ranges.map(({ least }) => least)),
    maxInstances: unknown ?? Math.max(...ranges.map(({ most }) => most)),
    accelerators: settings.instance.accelerators ?? 0,
    unguarded: variants.some(({ instance }) => isUnguarded(instance)),
    severalVariants: variants.length > 1,
    startSeconds: Math.max(
      ...variants.map(({ modelDownloadTimeout, startupTimeout }) => longest(modelDownloadTimeout) + longest(startupTimeout)),
    ),
    alarmSeconds: Math.max(
      ...[slo, ...settings.variants.map((variant) => variant.slo)].map((one) => rollbackAlarmSeconds({ ...rest, slo: one })),
    ),
  };
}

/** A time that is known only by the deployment counts as the longest that SageMaker takes. */
const longest = (time: Duration): number => (time.isUnresolved() ? 3600 : time.toSeconds({ integral: false }));

/** Updates as the rollout says, undone by alarms of the new fleet. @internal */
export function deploymentConfig(endpointName: string, settings: EndpointSettings): CfnEndpoint.DeploymentConfigProperty {
  return {
    autoRollbackConfiguration: { alarms: rollbackAlarmNames(endpointName, settings).map((alarmName) => ({ alarmName })) },
    ...settings.rollout._policy(rolloutSetting(settings)),
  };
}

/** Takes down what instances the endpoint may need. @internal */
export function recordNeeds(scope: Construct, endpoint: string, settings: EndpointSettings): void {
  const setting = rolloutSetting(settings);
  const named = [
    { ...settings, name: EndpointBase.VARIANT_NAME },
    ...settings.variants,
    ...(settings.shadow === undefined ? [] : [settings.shadow]),
  ];
  for (const { name: variant, instance, fallbackInstances = [], scaling } of named) {
    const { most } = scaling._range;
    const update = settings.rollout._extraInstances(setting, most);
    recordInstances(scope, { endpoint, variant, types: [instance, ...fallbackInstances], most, update });
  }
}
