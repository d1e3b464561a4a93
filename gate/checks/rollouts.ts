import { numeric } from '../template';

/* eslint-disable @typescript-eslint/no-explicit-any -- properties of a template */

/** https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html */
export function rolloutProblems(deployment: Record<string, any>): string[] {
  const problems: string[] = [];
  const traffic = deployment.BlueGreenUpdatePolicy?.TrafficRoutingConfiguration;
  const share = (size: any) => (size?.Type === 'CAPACITY_PERCENT' ? numeric(size.Value) : undefined);
  const bounds: [string, any, number, number, boolean][] = [
    ['CanarySize', traffic?.CanarySize, 1, 50, traffic?.Type === 'CANARY'],
    ['LinearStepSize', traffic?.LinearStepSize, 10, 50, traffic?.Type === 'LINEAR'],
    ['MaximumBatchSize', deployment.RollingUpdatePolicy?.MaximumBatchSize, 5, 50, deployment.RollingUpdatePolicy !== undefined],
  ];
  for (const [key, size, low, high, required] of bounds) {
    const percent = share(size);
    if (percent !== undefined && (percent < low || percent > high)) {
      problems.push(`${key} is ${percent} %: ${low} to ${high} %`);
    }
    if (required && size === undefined) {
      problems.push(`${key} is missing for this kind of rollout`);
    }
  }
  for (const policy of [deployment.BlueGreenUpdatePolicy, deployment.RollingUpdatePolicy]) {
    const most = numeric(policy?.MaximumExecutionTimeoutInSeconds);
    if (most !== undefined && (most < 600 || most > 28_800)) {
      problems.push(`MaximumExecutionTimeoutInSeconds is ${most}: 600 to 28800`);
    }
    const waits = waitsOf(policy);
    if (most !== undefined && waits >= most) {
      problems.push(`it waits ${waits} s at least but MaximumExecutionTimeoutInSeconds is ${most}: no rollout could end in time`);
    }
  }
  return problems;
}

/**
 * Seconds that a rollout waits at least: between its steps, and before the old fleet goes.
 * https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html
 */
function waitsOf(policy: any): number {
  const traffic = policy?.TrafficRoutingConfiguration;
  const size = traffic?.Type === 'LINEAR' ? traffic.LinearStepSize : policy?.MaximumBatchSize;
  const percent = size?.Type === 'CAPACITY_PERCENT' ? numeric(size.Value) : undefined;
  const steps = percent !== undefined && percent > 0 ? Math.max(1, Math.ceil(100 / percent) - 1) : 1;
  const wait = numeric(traffic?.WaitIntervalInSeconds ?? policy?.WaitIntervalInSeconds) ?? 0;
  return steps * wait + (numeric(policy?.TerminationWaitInSeconds) ?? 0);
}
