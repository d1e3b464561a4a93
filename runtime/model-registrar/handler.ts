import { Logger } from '@aws-lambda-powertools/logger';
import { S3Client } from '@aws-sdk/client-s3';
import { CreateModelPackageCommand, DescribeTrainingJobCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { DELIVERY_ENV, PipelineSettings, RegistrationSettings, TRAINING_ENV } from '../../lib/constructs/delivery/contract';
import { Log } from '../shared/telemetry';
import { copiesOf, keptOf, RegistrationRequest, registrationProblems, versionOf } from './core';
import { keep } from './keep';

export interface RegistrarDependencies {
  settings: PipelineSettings;
  registration: RegistrationSettings;
  sagemaker: Pick<SageMakerClient, 'send'>;
  s3: Pick<S3Client, 'send'>;
  logger: Pick<Log, 'info'>;
}

/**
 * Keeps what a candidate that passed the gate is made of, and registers it for approval by a person. Errors: `IncompleteLineage`, with what is
 * missing, and `ModelTooLarge`.
 */
export const makeHandler =
  ({ settings, registration, sagemaker, s3, logger }: RegistrarDependencies) =>
  async (request: RegistrationRequest): Promise<{ packageArn: string }> => {
    const found = await sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: request.jobs.train }));
    const job = {
      arn: found.TrainingJobArn,
      status: found.TrainingJobStatus,
      modelDataUrl: found.ModelArtifacts?.S3ModelArtifacts,
      image: found.AlgorithmSpecification?.TrainingImage,
    };
    const kept = keptOf(request, settings);
    const problems = registrationProblems(request, job, kept);
    if (problems.length > 0) {
      throw new Error(`IncompleteLineage: run ${request.runId} cannot be registered: ${problems.join('; ')}`);
    }
    await keep(s3, copiesOf(request, kept));
    const { ModelPackageArn } = await sagemaker.send(new CreateModelPackageCommand(versionOf(request, job, kept, settings, registration)));
    logger.info('registered', { runId: request.runId, packageArn: ModelPackageArn });
    return { packageArn: ModelPackageArn! };
  };

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
