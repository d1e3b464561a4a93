import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { ScalingPlan } from '../../lib/constructs/serving/scaling/policy';
import { closest } from '../../lib/constructs/shared/contract';
import { scheduleOf } from '../scaling/schedule';

const seconds = z.int().min(0).max(3600);
const metric = z.strictObject({
  name: z.string().min(1),
  statistic: z.enum(['Average', 'Sum', 'Maximum']),
  dimensions: z.record(z.string(), z.string()).default({}),
});
/** Where tokens are counted: in a simulation its own. */
const tokens = metric.omit({ statistic: true }).extend({ namespace: z.string().min(1), perRequest: z.number().positive() });
/** Instances that the requests of a minute lacked. */
const lacking = z.strictObject({
  requestsPerSecond: z.number().positive(),
  spare: z.number().min(0),
  tolerance: z.number().min(1).optional(),
  tokens: tokens.optional(),
  publishedEverySeconds: z
    .int()
    .refine((seconds) => [10, 30, 60].includes(seconds), 'must be 10, 30 or 60')
    .default(60),
  dimensions: z.record(z.string(), z.string()).default({}),
});
const predefined = z.enum([
  'SageMakerVariantInvocationsPerInstance',
  'SageMakerVariantConcurrentRequestsPerModelHighResolution',
  'SageMakerVariantProvisionedConcurrencyUtilization',
  'SageMakerInferenceComponentInvocationsPerCopy',
  'SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution',
]);
const tracking = z.strictObject({
  kind: z.literal('TargetTracking'),
  name: z.string().min(1),
  metric: z.union([predefined, metric]),
  target: z.number().positive(),
  scaleOutCooldownSeconds: seconds.default(300),
  scaleInCooldownSeconds: seconds.default(300),
  scaleOutOnly: z.boolean().optional(),
});
const step = z.strictObject({
  kind: z.literal('Step'),
  name: z.string().min(1),
  metric: z.union([metric, lacking]),
  threshold: z.number(),
  side: z.enum(['AtOrAbove', 'AtOrBelow']).optional(),
  periods: z.int().min(1),
  periodSeconds: z.int().min(10),
  steps: z.array(z.strictObject({ from: z.number().optional(), to: z.number().optional(), change: z.int() })).min(1),
  adjustment: z.enum(['Change', 'Percent', 'Exact']).optional(),
  cooldownSeconds: seconds.default(300),
});
const limits = z
  .strictObject({
    name: z.string().min(1),
    schedule: z.string(),
    timeZone: z.string().default('Etc/UTC'),
    min: z.int().min(0).optional(),
    max: z.int().min(1).optional(),
  })
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'give min, max or both')
  .superRefine(({ schedule, timeZone }, context) => {
    try {
      scheduleOf(schedule, { timeZone, startsAt: 0, missingHour: 'later' });
    } catch (error) {
      context.addIssue({ code: 'custom', path: ['schedule'], message: (error as Error).message });
    }
  });

/** A scaling plan as a JSON file: the shape of `ScalingPlan`, with cool-downs of 300 s where none is given, as AWS has them. */
const scalingPlan = z
  .strictObject({
    min: z.int().min(0),
    max: z.int().min(1),
    policies: z.array(z.discriminatedUnion('kind', [tracking, step])),
    schedules: z.array(limits).default([]),
  })
  .refine(({ min, max }) => min <= max, { path: ['max'], message: 'must not be below min' });

/** Reads a plan. Errors `InvalidPolicyFile` with every problem, and where: no such file, no JSON, unknown keys, values out of range. */
export function readPolicyFile(path: string): ScalingPlan {
  if (!existsSync(path)) {
    throw new Error(`InvalidPolicyFile: there is no file [in ${path}]`);
  }
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`InvalidPolicyFile: the file is not JSON: ${(error as Error).message} [in ${path}]`);
  }
  const parsed = scalingPlan.safeParse(content);
  if (!parsed.success) {
    throw new Error(`InvalidPolicyFile: ${parsed.error.issues.map(explain).join('; ')} [in ${path}]`);
  }
  return parsed.data;
}

const KNOWN_KEYS = [scalingPlan, tracking, step, metric, lacking, tokens, limits].flatMap(({ shape }) => Object.keys(shape));

function explain(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.') || 'the plan';
  if (issue.code !== 'unrecognized_keys') {
    return `'${where}': ${issue.message}`;
  }
  return issue.keys
    .map((key) => {
      const near = closest(key, KNOWN_KEYS);
      return `'${where}' has no key '${key}'${near === undefined ? '' : `: did you mean '${near}'?`}`;
    })
    .join('; ');
}
