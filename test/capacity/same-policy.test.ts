import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { MeasuredCapacity, Scaling } from '../../lib/constructs/serving';
import { ScalingPlan } from '../../lib/constructs/serving/scaling/policy';
import { defaultPolicy } from '../../capacity/policies/default-policy';
import { CAPACITY, endpoint, folder } from '../constructs/serving/fixtures';
import { synth } from '../support/synth';

const capacity = () => MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify(CAPACITY) })}/c.json`);

/** What CloudFormation is told, as a plan again: read from the template, not from the code that wrote it. */
function deployed(template: Template) {
  const of = (type: string) => Object.values(template.findResources(`AWS::${type}`)).map(({ Properties }) => Properties);
  const [target] = of('ApplicationAutoScaling::ScalableTarget');
  const alarms = of('CloudWatch::Alarm').filter(({ AlarmActions }) => JSON.stringify(AlarmActions ?? []).includes('ScalingPolicy'));
  return {
    min: target.MinCapacity,
    max: target.MaxCapacity,
    policies: of('ApplicationAutoScaling::ScalingPolicy').map((policy) => {
      const tracking = policy.TargetTrackingScalingPolicyConfiguration;
      const step = policy.StepScalingPolicyConfiguration;
      return tracking !== undefined
        ? {
            metric: tracking.PredefinedMetricSpecification.PredefinedMetricType,
            target: tracking.TargetValue,
            out: tracking.ScaleOutCooldown,
            in: tracking.ScaleInCooldown,
          }
        : { metric: alarms[0].MetricName, target: alarms[0].Threshold, out: step.Cooldown, steps: step.StepAdjustments.length };
    }),
  };
}

/** What the simulator runs, in the same words. */
const simulated = ({ min, max, policies }: ScalingPlan) => ({
  min,
  max,
  policies: policies.map((policy) =>
    policy.kind === 'TargetTracking'
      ? { metric: policy.metric, target: policy.target, out: policy.scaleOutCooldownSeconds, in: policy.scaleInCooldownSeconds }
      : { metric: policy.metric.name, target: policy.threshold, out: policy.cooldownSeconds, steps: policy.steps.length },
  ),
});

test("the simulator's default is what the constructs deploy", () => {
  const { template } = synth((stack) => endpoint(stack, { scaling: Scaling.between(2, 100, { capacity: capacity() }) }));
  const plan = defaultPolicy(CAPACITY.requestsPerSecondPerInstance, { min: 2, max: 100 });
  expect(plan.policies.length).toBe(1);
  expect(deployed(template)).toEqual(simulated(plan));
});

test('every way to scale a variant is deployed as the simulator would run it', () => {
  const cooldowns = { scaleOutCooldown: Duration.seconds(30), scaleInCooldown: Duration.seconds(600) };
  for (const scaling of [
    Scaling.between(1, 4, { capacity: capacity(), concurrency: 12 }),
    Scaling.between(1, 4, { concurrency: 7, ...cooldowns }),
    Scaling.between(1, 4, { capacity: capacity(), utilization: 0.75, ...cooldowns }),
  ]) {
    const { template } = synth((stack) => endpoint(stack, { scaling }));
    expect(deployed(template)).toEqual(simulated(scaling._plan('chat', 'AllTraffic')!));
  }
});
