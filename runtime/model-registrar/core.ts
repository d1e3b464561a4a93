import { createHash } from 'node:crypto';
import type { CreateModelPackageCommandInput } from '@aws-sdk/client-sagemaker';
import {
  CurrentVersion,
  GateVerdict,
  namesOf,
  PipelineSettings,
  RegistrationSettings,
  TrainingPlan,
} from '../../lib/constructs/delivery/contract';
import { LINEAGE } from '../../lib/constructs/models/contract';
import { cardOf } from './card';

/** State of the training machine after the gate. */
export interface RegistrationRequest extends TrainingPlan {
  readonly verdict: GateVerdict;
  readonly live?: { readonly version?: CurrentVersion };
}

/** What is known of the job that trained. */
export interface TrainedJob {
  readonly arn?: string;
  readonly status?: string;
  readonly modelDataUrl?: string;
  readonly image?: string;
}

/**
 * What identifies an image: its digest where the address has one, otherwise `tag:<tag>`, because the registries of AWS let nobody else
 * describe their images.
 */
export function imageIdentity(image: string): string | undefined {
  const [, kind, name] = /([@:])([^@:/]+(?::[0-9a-f]{64})?)$/.exec(image) ?? [];
  return kind === undefined ? undefined : kind === '@' ? name : `tag:${name}`;
}

/** The six facts that every version says of itself. */
export function lineageOf(request: RegistrationRequest, job: TrainedJob): Record<string, string | undefined> {
  const parameters = JSON.stringify(Object.fromEntries(Object.entries(request.parameters ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))));
  return {
    [LINEAGE.dataset]: request.datasetId,
    [LINEAGE.codeRevision]: request.codeRevision,
    [LINEAGE.imageDigest]: imageIdentity(job.image ?? ''),
    [LINEAGE.parameters]: request.parameters && createHash('sha256').update(parameters).digest('hex'),
    [LINEAGE.run]: request.runId,
    [LINEAGE.evaluation]: request.uris?.evaluation && `${request.uris.evaluation}/evaluation.json`,
  };
}

/** Why a candidate must not be registered; empty when it may. */
export function registrationProblems(request: RegistrationRequest, job: TrainedJob): string[] {
  const missing = Object.entries(lineageOf(request, job)).flatMap(([name, value]) => (value === undefined || value === '' ? [name] : []));
  return [
    ...(request.verdict.passed ? [] : ['the gate has not let it pass']),
    ...(missing.length > 0 ? [`lineage lacks ${missing.join(', ')}`] : []),
    ...(job.status === 'Completed' ? [] : [`the training job is ${job.status ?? 'unknown'}, not Completed`]),
    ...(job.modelDataUrl === request.uris.candidate
      ? []
      : [`the training job made ${job.modelDataUrl ?? 'no model'}, but ${request.uris.candidate} was evaluated`]),
  ];
}

/**
 * The version to register. The same run always gives the same request, with the run as its token: repeating it registers nothing new
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html). The token may have 36 characters.
 */
export function versionOf(
  request: RegistrationRequest,
  job: TrainedJob,
  { prefix, model }: PipelineSettings,
  registration: RegistrationSettings,
): CreateModelPackageCommandInput {
  const lineage = lineageOf(request, job) as Record<string, string>;
  return {
    ModelPackageGroupName: namesOf(prefix, model).group,
    ModelPackageDescription: `Run ${request.runId.slice(0, 12)} on dataset ${request.datasetId.slice(0, 12)}`,
    ClientToken: request.runId.slice(0, 36),
    ModelApprovalStatus: 'PendingManualApproval',
    CustomerMetadataProperties: lineage,
    InferenceSpecification: {
      Containers: [{ Image: registration.image, ModelDataUrl: request.uris.candidate, Environment: { ...registration.environment } }],
      SupportedContentTypes: ['application/json'],
      SupportedResponseMIMETypes: ['application/json'],
    },
    ModelMetrics: { ModelQuality: { Statistics: { ContentType: 'application/json', S3Uri: lineage[LINEAGE.evaluation] } } },
    ModelCard: { ModelCardStatus: 'PendingReview', ModelCardContent: JSON.stringify(cardOf(request, job, registration)) },
  };
}
