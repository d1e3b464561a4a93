import { TargetTrackingPolicy } from '../../lib/constructs/serving/scaling/policy';

/** Target tracking with the cool-downs that AWS has by default. */
export const tracking = (metric: TargetTrackingPolicy['metric'], target: number): TargetTrackingPolicy => ({
  kind: 'TargetTracking',
  name: 'tracking',
  metric,
  target,
  scaleOutCooldownSeconds: 300,
  scaleInCooldownSeconds: 300,
});
