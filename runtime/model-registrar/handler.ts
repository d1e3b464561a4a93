import { Logger } from '@aws-lambda-powertools/logger';
import { S3Client } from '@aws-sdk/client-s3';
import { CreateModelPackageCommand, DescribeTrainingJobCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { versionOfRun } from '../shared/run-version';
import { Log } from '../shared/telemetry';
import { candidateVersion, copiesOf, keptOf, RegistrarEvent, RegistrationRequest, registrationProblems, TrainedJob } from './core';
import { keep } from './keep';

export interface RegistrarDependencies {
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
  async (event: RegistrarEvent): Promise<{ packageArn: string }> => {
    const known = await versionOf(event, deps);
    const packageArn = known ?? (await register(event, deps));
    deps.logger.info(known === undefined ? 'registered' : 'registered before', { runId: event.run.runId, packageArn });
    return { packageArn };
  };

const versionOf = ({ run, registration }: RegistrarEvent, { sagemaker }: RegistrarDependencies): Promise<string | undefined> =>
  versionOfRun(sagemaker, registration.group, run.runId);

async function register(event: RegistrarEvent, deps: RegistrarDependencies): Promise<string> {
  const { sagemaker, s3 } = deps;
  const { run: request, registration } = event;
  const job = await trainedJob(request, sagemaker);
  const kept = keptOf(request, registration);
  const problems = registrationProblems(request, job, kept);
  if (problems.length > 0) {
    throw new Error(`IncompleteLineage: run ${request.runId} cannot be registered: ${problems.join('; ')}`);
  }
  await keep(s3, copiesOf(request, kept));
  try {
    const { ModelPackageArn } = await sagemaker.send(new CreateModelPackageCommand(candidateVersion(request, job, kept, registration)));
    return ModelPackageArn!;
  } catch (error) {
    // The function of an attempt that was stopped goes on: it may have been faster.
    const other = await versionOf(event, deps);
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

export const handler = (event: RegistrarEvent): Promise<{ packageArn: string }> => {
  run ??= makeHandler({
    sagemaker: new SageMakerClient({}),
    s3: new S3Client({}),
    logger: new Logger({ serviceName: 'model-registrar' }),
  });
  return run(event);
};
