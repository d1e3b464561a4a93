import { createHash } from 'node:crypto';
import type { CreateModelPackageCommandInput } from '@aws-sdk/client-sagemaker';
import { CurrentVersion, GateVerdict, RegistrationSettings, TrainingPlan } from '../../lib/constructs/delivery/contract';
import { LINEAGE, versionPrefix } from '../../lib/constructs/models/contract';
import { descriptionOf } from '../shared/run-version';
import { cardOf } from './card';

/** State of the training machine after the gate. */
export interface RegistrationRequest extends TrainingPlan {
  readonly verdict: GateVerdict;
  readonly live?: { readonly version?: CurrentVersion };
}

/** What the machine asks. */
export interface RegistrarEvent {
  readonly run: RegistrationRequest;
  readonly registration: RegistrationSettings;
}

/** What is known of the job that trained. */
export interface TrainedJob {
  readonly arn?: string;
  readonly status?: string;
  readonly modelDataUrl?: string;
  readonly image?: string;
}

/** Where what a version names is kept. */
export interface Kept {
  readonly model: string;
  readonly code: string;
  readonly evaluation: string;
}

/** One copy to make, by addresses. */
export interface Copy {
  readonly from: string;
  readonly to: string;
}

/** Where the version of a run is kept: each attempt has a folder of its own, because another one may have trained another model. */
export function keptOf({ runId, attempt, model }: RegistrationRequest, { bucket }: RegistrationSettings): Kept {
  const folder = `s3://${bucket}/${versionPrefix(model)}${runId}/${attempt}`;
  return { model: `${folder}/model.tar.gz`, code: `${folder}/code.tar.gz`, evaluation: `${folder}/evaluation.json` };
}

/** What is kept of a run: what its version names, and what the gate judged it by. The model comes first, for it alone may be too large. */
export function copiesOf({ uris }: RegistrationRequest, kept: Kept): Copy[] {
  const beside = (name: string) => kept.evaluation.replace(/[^/]+$/, name);
  return [
    { from: uris.candidate, to: kept.model },
    { from: uris.code, to: kept.code },
    { from: `${uris.evaluation}/evaluation.json`, to: kept.evaluation },
    { from: `${uris.evaluation}/predictions.csv.gz`, to: beside('predictions.csv.gz') },
    { from: `${uris.gate}/gate.json`, to: beside('gate.json') },
  ];
}

/** What identifies an image: the digest of its address. A tag does not, for another image may take it. */
export function digestOf(image: string): string | undefined {
  return /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1];
}

/** The seven facts that every version says of itself. */
export function lineageOf(request: RegistrationRequest, job: TrainedJob, kept: Kept): Record<string, string | undefined> {
  const parameters = JSON.stringify(Object.fromEntries(Object.entries(request.parameters ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))));
  return {
    [LINEAGE.dataset]: request.datasetId,
    [LINEAGE.codeRevision]: request.codeRevision,
    [LINEAGE.imageDigest]: digestOf(job.image ?? ''),
    [LINEAGE.parameters]: request.parameters && createHash('sha256').update(parameters).digest('hex'),
    [LINEAGE.run]: request.runId,
    [LINEAGE.evaluation]: kept.evaluation,
    [LINEAGE.code]: kept.code,
  };
}

/** Why a candidate must not be registered; empty when it may. */
export function registrationProblems(request: RegistrationRequest, job: TrainedJob, kept: Kept): string[] {
  const missing = Object.entries(lineageOf(request, job, kept)).flatMap(([name, value]) =>
    value === undefined || value === '' ? [name] : [],
  );
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
 * The version to register. The token is the run, so that two attempts which register at the same moment cannot both make one: repeating the
 * request of one attempt registers nothing new (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html), and
 * that of another one is refused. The token may have 36 characters.
 */
export function candidateVersion(
  request: RegistrationRequest,
  job: TrainedJob,
  kept: Kept,
  registration: RegistrationSettings,
): CreateModelPackageCommandInput {
  const lineage = lineageOf(request, job, kept) as Record<string, string>;
  return {
    ModelPackageGroupName: registration.group,
    ModelPackageDescription: descriptionOf(request.runId, request.datasetId),
    ClientToken: request.runId.slice(0, 36),
    ModelApprovalStatus: 'PendingManualApproval',
    CustomerMetadataProperties: lineage,
    InferenceSpecification: {
      Containers: [{ Image: job.image, ModelDataUrl: kept.model, Environment: { ...registration.environment } }],
      SupportedContentTypes: ['application/json'],
      SupportedResponseMIMETypes: ['application/json'],
    },
    ModelMetrics: { ModelQuality: { Statistics: { ContentType: 'application/json', S3Uri: lineage[LINEAGE.evaluation] } } },
    ModelCard: { ModelCardStatus: 'PendingReview', ModelCardContent: JSON.stringify(cardOf(request, job, kept, registration)) },
  };
}
