import { Logger } from '@aws-lambda-powertools/logger';
import { CreateModelPackageCommand, DescribeTrainingJobCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { DELIVERY_ENV, PipelineSettings, RegistrationSettings, TRAINING_ENV } from '../../lib/constructs/delivery/contract';
import { Log } from '../shared/telemetry';
import { RegistrationRequest, registrationProblems, versionOf } from './core';

export interface RegistrarDependencies {
  settings: PipelineSettings;
  registration: RegistrationSettings;
  sagemaker: Pick<SageMakerClient, 'send'>;
  logger: Pick<Log, 'info'>;
}

/** Registers a candidate that passed the gate, for approval by a person. Errors: `IncompleteLineage`, with what is missing. */
export const makeHandler =
  ({ settings, registration, sagemaker, logger }: RegistrarDependencies) =>
  async (request: RegistrationRequest): Promise<{ packageArn: string }> => {
    const found = await sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: request.jobs.train }));
    const job = {
      arn: found.TrainingJobArn,
      status: found.TrainingJobStatus,
      modelDataUrl: found.ModelArtifacts?.S3ModelArtifacts,
      image: found.AlgorithmSpecification?.TrainingImage,
    };
    const problems = registrationProblems(request, job);
    if (problems.length > 0) {
      throw new Error(`IncompleteLineage: run ${request.runId} cannot be registered: ${problems.join('; ')}`);
    }
    const { ModelPackageArn } = await sagemaker.send(new CreateModelPackageCommand(versionOf(request, job, settings, registration)));
    logger.info('registered', { runId: request.runId, packageArn: ModelPackageArn });
    return { packageArn: ModelPackageArn! };
  };

let run: ReturnType<typeof makeHandler> | undefined;

export const handler = (request: RegistrationRequest): Promise<{ packageArn: string }> => {
  run ??= makeHandler({
    settings: JSON.parse(process.env[DELIVERY_ENV.pipeline]!),
    registration: JSON.parse(process.env[TRAINING_ENV.registration]!),
    sagemaker: new SageMakerClient({}),
    logger: new Logger({ serviceName: 'model-registrar' }),
  });
  return run(request);
};
