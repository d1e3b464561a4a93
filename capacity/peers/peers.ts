import { ScalingPlan, StepPolicy, TargetTrackingPolicy } from '../../lib/constructs/serving/scaling/policy';
import { MeasuredRates } from '../../lib/constructs/serving/scaling/staffing';
import { fixedPolicy } from '../policies/default-policy';
import { tracking } from '../policies/tracking';
import { ScaledEndpoint } from '../scaling/scaled-endpoint';
import { KnativeScaler } from './knative';
import { SOURCES } from './sources';

/** What a policy may be set by: what was measured, and limits. */
export interface Basis extends MeasuredRates {
  /** Requests in one instance at once at the rate that it serves, the 99th of a hundred samples. */
  readonly concurrency: number;
  /** The same limits for all whose source has none: limits are no policy. */
  readonly limits: { readonly min: number; readonly max: number };
  /** Instances that the busiest minute and the mean rate need: known afterwards only. */
  readonly peak: number;
  readonly mean: number;
}

/** A default that somebody published, or a fleet that does not scale. */
export interface Peer {
  readonly name: string;
  /** `peer` for what is published, `elsewhere` for what SageMaker cannot deploy, `fixed` for fleets of hindsight. */
  readonly kind: 'peer' | 'elsewhere' | 'fixed';
  readonly source: string;
  plan(basis: Basis): ScalingPlan;
  /** What decides in place of the plan's policies, within its limits. */
  scaler?(basis: Basis): ScaledEndpoint['scaler'];
  /** Instances at the begin, when the policy says so. */
  readonly initial?: number;
  /** Requests in an instance from which on it refuses more. */
  admissionBound?(basis: Basis): number;
  /** Whether the endpoint is asynchronous: an instance takes as many requests at once as it was measured to have. */
  readonly asynchronous?: boolean;
  /** Why it never scales, when it is meant to. */
  readonly inert?: string;
}

const INVOCATIONS = 'SageMakerVariantInvocationsPerInstance';
const CONCURRENCY = 'SageMakerVariantConcurrentRequestsPerModelHighResolution';

const planned = ({ limits }: Basis, ...policies: (TargetTrackingPolicy | StepPolicy)[]): ScalingPlan => ({
  ...limits,
  policies,
  schedules: [],
});

/** `scaleOnMetric` of the CDK with its two steps renders an alarm and a policy for each side. */
function backlogStep(side: 'AtOrAbove' | 'AtOrBelow', threshold: number, change: number): StepPolicy {
  return {
    kind: 'Step',
    name: side === 'AtOrAbove' ? 'backlog-upper' : 'backlog-lower',
    metric: { name: 'ApproximateBacklogSizePerInstance', statistic: 'Average', dimensions: {} },
    threshold,
    side,
    periods: 1,
    periodSeconds: 300,
    steps: [side === 'AtOrAbove' ? { from: 0, change } : { to: 0, change }],
    cooldownSeconds: 300,
  };
}

const genaiCdk = (): ScalingPlan => ({
  min: 1,
  max: 2,
  policies: [backlogStep('AtOrAbove', 0.5, 1), backlogStep('AtOrBelow', 0, -1)],
  schedules: [],
});

/** Out by target tracking, in by a step of its own. That the step takes one instance after fifteen minutes is our reading: what we know of it is its threshold. */
function measuredConcurrency(basis: Basis): ScalingPlan {
  const cooldowns = { scaleOutCooldownSeconds: 30, scaleInCooldownSeconds: 960 };
  return planned(
    basis,
    { ...tracking(CONCURRENCY, 0.75 * basis.concurrency), ...cooldowns, scaleOutOnly: true },
    {
      kind: 'Step',
      name: 'in',
      metric: { name: 'ConcurrentRequestsPerModel', statistic: 'Maximum', dimensions: {} },
      threshold: 0.5 * basis.concurrency,
      side: 'AtOrBelow',
      periods: 90,
      periodSeconds: 10,
      steps: [{ to: 0, change: -1 }],
      cooldownSeconds: 960,
    },
  );
}

/** The published defaults, as far as SageMaker can deploy them, and fixed fleets. */
export const PEERS: readonly Peer[] = [
  {
    name: 'genai-cdk',
    kind: 'peer',
    source: SOURCES.genaiCdk,
    initial: 1,
    plan: genaiCdk,
    inert: 'its metric is published by asynchronous endpoints only: one that answers at once stays with one instance',
  },
  {
    name: 'genai-cdk-repaired',
    kind: 'peer',
    source: `${SOURCES.genaiCdk}, on an asynchronous endpoint and with the one dimension that its metric has`,
    initial: 1,
    plan: genaiCdk,
    admissionBound: ({ concurrency }) => concurrency,
    asynchronous: true,
  },
  { name: 'genai-cdk-jumpstart', kind: 'peer', source: SOURCES.genaiCdkJumpstart, plan: () => fixedPolicy(1), inert: 'it has no scaling' },
  {
    name: 'sagemaker-alpha',
    kind: 'peer',
    source: SOURCES.sagemakerAlpha,
    plan: (basis) => planned(basis, tracking(INVOCATIONS, basis.requestsPerSecond * 0.5 * 60)),
  },
  { name: 'aws-doc-invocations', kind: 'peer', source: SOURCES.awsDoc, plan: (basis) => planned(basis, tracking(INVOCATIONS, 70)) },
  { name: 'aws-doc-concurrency', kind: 'peer', source: SOURCES.awsDoc, plan: (basis) => planned(basis, tracking(CONCURRENCY, 5)) },
  { name: 'hf-skill', kind: 'peer', source: SOURCES.hfSkill, plan: (basis) => planned(basis, tracking(INVOCATIONS, 20)) },
  {
    name: 'measured-concurrency',
    kind: 'peer',
    source: SOURCES.measuredConcurrency,
    plan: measuredConcurrency,
    admissionBound: ({ concurrency }) => concurrency,
  },
  {
    name: 'knative-like',
    kind: 'elsewhere',
    source: SOURCES.knative,
    plan: (basis) => planned(basis),
    scaler:
      ({ limits, concurrency }) =>
      (fleet, provisioning, seed) =>
        new KnativeScaler(fleet, provisioning, limits, concurrency, seed),
  },
  { name: 'fixed-peak', kind: 'fixed', source: SOURCES.fixed, plan: ({ peak }) => fixedPolicy(peak) },
  { name: 'fixed-0.6-peak', kind: 'fixed', source: SOURCES.fixed, plan: ({ peak }) => fixedPolicy(Math.max(1, Math.ceil(0.6 * peak))) },
  { name: 'fixed-mean', kind: 'fixed', source: SOURCES.fixed, plan: ({ mean }) => fixedPolicy(Math.max(1, mean)) },
];
