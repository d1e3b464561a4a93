import { Logger } from '@aws-lambda-powertools/logger';
import { S3Client } from '@aws-sdk/client-s3';
import { CreateModelPackageCommand, DescribeTrainingJobCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { DELIVERY_ENV, namesOf, PipelineSettings, RegistrationSettings, TRAINING_ENV } from '../../lib/constructs/delivery/contract';
import { versionOfRun } from '../shared/run-version';
import { Log } from '../shared/telemetry';
import { candidateVersion, copiesOf, keptOf, RegistrationRequest, registrationProblems, TrainedJob } from './core';
import { keep } from './keep';

export interface RegistrarDependencies {
  settings: PipelineSettings;
  registration: RegistrationSettings;
  sagemaker: SageMakerClient;
  s3: Pick<S3Client, 'send'>;
  logger: Pick<Log, 'info'>;
}

/**
 * Keeps what a candidate that passed the gate is made of, and registers it for approval by a person. A run that has a version already, from an
 * attempt that was stopped before it could say so, gets no second one: the answer is that version. Errors: `IncompleteLineage`, with what is
 * missing, and `ModelTooLarge`.
 */
export const makeHandler =
  (deps: RegistrarDependencies) =>
  async (request: RegistrationRequest): Promise<{ packageArn: string }> => {
    const known = await versionOf(request, deps);
    const packageArn = known ?? (await register(request, deps));
    deps.logger.info(known === undefined ? 'registered' : 'registered before', { runId: request.runId, packageArn });
    return { packageArn };
  };

const versionOf = ({ runId }: RegistrationRequest, { settings, sagemaker }: RegistrarDependencies): Promise<string | undefined> =>
  versionOfRun(sagemaker, namesOf(settings.prefix, settings.model).group, runId);

async function register(request: RegistrationRequest, deps: RegistrarDependencies): Promise<string> {
  const { settings, registration, sagemaker, s3 } = deps;
  const job = await trainedJob(request, sagemaker);
  const kept = keptOf(request, settings);
  const problems = registrationProblems(request, job, kept);
  if (problems.length > 0) {
    throw new Error(`IncompleteLineage: run ${request.runId} cannot be registered: ${problems.join('; ')}`);
  }
  await keep(s3, copiesOf(request, kept));
  try {
    const { ModelPackageArn } = await sagemaker.send(
      new CreateModelPackageCommand(candidateVersion(request, job, kept, settings, registration)),
    );
    return ModelPackageArn!;
  } catch (error) {
    // The function of an attempt that was stopped goes on: it may have been faster.
    const other = await versionOf(request, deps);
    if (other === undefined) {
      throw error;
    }
    return other;
  }
}

async function trainedJob({ jobs }: RegistrationRequest, sagemaker: SageMakerClient): Promise<TrainedJob> {
  const found = await sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: jobs.train }));
  return {
    arn: found.TrainingJobArn,
    status: found.TrainingJobStatus,
    modelDataUrl: found.ModelArtifacts?.S3ModelArtifacts,
    image: found.AlgorithmSpecification?.TrainingImage,
  };
}

let run: ReturnType<typeof makeHandler> | undefined;

export const handler = (request: RegistrationRequest): Promise<{ packageArn: string }> => {
  run ??= makeHandler({
    settings: JSON.parse(process.env[DELIVERY_ENV.pipeline]!),
    registration: JSON.parse(process.env[TRAINING_ENV.registration]!),
    sagemaker: new SageMakerClient({}),
    s3: new S3Client({}),
    logger: new Logger({ serviceName: 'model-registrar' }),
  });
  return run(request);
};
