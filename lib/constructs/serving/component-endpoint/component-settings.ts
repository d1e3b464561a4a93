import { Duration } from 'aws-cdk-lib';
import { CfnInferenceComponent } from 'aws-cdk-lib/aws-sagemaker';
import { isUnguarded } from '../endpoint/endpoint-checks';
import { LoadSettings, loadSettings } from '../endpoint/instance-endpoint';
import { rollbackAlarmSeconds } from '../endpoint/slo-alarms';
import { Rollout } from '../rollout';
import { DeploymentPolicy, RolloutSetting } from '../rollout/way';
import { Copies } from './copies';
import type { InferenceComponentProps } from './inference-component';

/** The properties of a component with every default in its place. @internal */
export interface ComponentSettings extends LoadSettings {
  readonly copies: Copies;
  readonly rollout: Rollout;
  /** What the rollout is checked against; undefined when that itself is wrong. */
  readonly setting?: RolloutSetting;
  /** How copies are replaced; undefined for all at once. */
  readonly rolling?: DeploymentPolicy['rollingUpdatePolicy'];
  /** Whether the rollout shifts traffic in a way that components do not know. */
  readonly shifts: boolean;
}

/** @internal */
export function componentSettings(props: InferenceComponentProps): ComponentSettings {
  const { endpoint } = props;
  const copies = props.copies ?? Copies.fixed(1);
  const rollout = props.rollout ?? Rollout.auto();
  const load = loadSettings(endpoint._settings.instance, props);
  const setting = copies._problems().length === 0 && props.slo._problems().length === 0 ? settingOf(props, copies, load) : undefined;
  const policy = setting === undefined || rollout._problems(setting).length > 0 ? {} : rollout._policy(setting);
  const blueGreen = policy.blueGreenUpdatePolicy as { trafficRoutingConfiguration: { type: string } } | undefined;
  return {
    ...load,
    copies,
    rollout,
    setting,
    rolling: policy.rollingUpdatePolicy,
    shifts: blueGreen !== undefined && blueGreen.trafficRoutingConfiguration.type !== 'ALL_AT_ONCE',
  };
}

/** Copies take the place of instances; those with two or more roll, whatever they run on. */
function settingOf({ endpoint, slo }: InferenceComponentProps, copies: Copies, load: LoadSettings): RolloutSetting {
  const { enhancedMetrics, metricFrequency, instance } = endpoint._settings;
  const { least, most } = copies._range;
  return {
    minInstances: least,
    maxInstances: most,
    accelerators: 1,
    unguarded: isUnguarded(instance),
    startSeconds: longest(load.modelDownloadTimeout) + longest(load.startupTimeout),
    alarmSeconds: rollbackAlarmSeconds({ slo, enhancedMetrics, metricFrequency }),
  };
}

/** A time that is known only by the deployment counts as the longest that SageMaker takes. */
const longest = (time: Duration): number => (time.isUnresolved() ? 3600 : time.toSeconds({ integral: false }));

/** Rolling with alarms; nothing for all at once, which takes neither. @internal */
export function deploymentConfig(
  { rolling }: ComponentSettings,
  alarmNames: string[],
): CfnInferenceComponent.InferenceComponentDeploymentConfigProperty | undefined {
  return rolling === undefined
    ? undefined
    : {
        rollingUpdatePolicy: rolling as CfnInferenceComponent.InferenceComponentRollingUpdatePolicyProperty,
        autoRollbackConfiguration: { alarms: alarmNames.map((alarmName) => ({ alarmName })) },
      };
}
