import { Duration } from 'aws-cdk-lib';
import { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import { rollbackAlarmSeconds } from '../endpoint/slo-alarms';
import { EndpointSettings } from './endpoint-settings';
import { rollbackAlarmNames } from './inference-endpoint-alarms';
import { isUnguarded } from '../endpoint/endpoint-checks';
import { RolloutSetting } from '../rollout/way';

/** What a rollout must know of its endpoint. @internal */
export function rolloutSetting(settings: EndpointSettings): RolloutSetting {
  const { least, most } = settings.scaling._range;
  return {
    minInstances: least,
    maxInstances: most,
    accelerators: settings.instance.accelerators ?? 0,
    unguarded: isUnguarded(settings.instance),
    startSeconds: longest(settings.modelDownloadTimeout) + longest(settings.startupTimeout),
    alarmSeconds: rollbackAlarmSeconds(settings),
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
