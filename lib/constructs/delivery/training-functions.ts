import { Duration, Size, Stack } from 'aws-cdk-lib';
import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination as QueueDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { allow, allowRead, allowWrite } from '../data/grants';
import { approvedParameter, runPrefix } from '../models/contract';
import { acknowledgeResource, withoutPolicyFindings } from '../shared/acknowledgements';
import { handlerFunction } from '../shared/handler-function';
import { followChanges } from '../shared/table-follower';
import { DELIVERY_ENV, GateRules, namesOf, PipelineSettings, TRAINING_ENV } from './contract';
import { TrainingCode } from './training-code';
import { TrainingPipelineProps } from './training-pipeline-props';
import { jobPattern } from './training-roles';

/** @internal */
export interface TrainingFunctionsProps {
  readonly pipeline: TrainingPipelineProps;
  readonly settings: PipelineSettings;
  readonly code: TrainingCode;
  readonly rules: GateRules;
  readonly runs: ITable;
  readonly machineArn: string;
  readonly undelivered: IQueue;
}

/** The functions of one pipeline. @internal */
export interface TrainingFunctions {
  readonly trigger: Lambda;
  readonly gate: Lambda;
  readonly registrar: Lambda;
  readonly record: Lambda;
}

/** @internal */
export function trainingFunctions(scope: Construct, props: TrainingFunctionsProps): TrainingFunctions {
  createAnnouncer(scope, props);
  return {
    trigger: createTrigger(scope, props),
    gate: createGate(scope, props),
    registrar: createRegistrar(scope, props),
    record: createRecord(scope, props),
  };
}

function createTrigger(scope: Construct, { pipeline, settings, runs, machineArn, undelivered }: TrainingFunctionsProps): Lambda {
  const { catalog, registry, namePrefix, model } = pipeline;
  const stack = Stack.of(scope);
  const trigger = handlerFunction(scope, 'Trigger', {
    handler: 'training-trigger',
    description: `Starts training runs of ${model}`,
    timeout: Duration.minutes(1),
    environment: {
      [DELIVERY_ENV.pipeline]: stack.toJsonString(settings),
      [DELIVERY_ENV.runs]: runs.tableName,
      [DELIVERY_ENV.catalogue]: catalog.table.tableName,
      [DELIVERY_ENV.stateMachine]: machineArn,
    },
  });
  trigger.configureAsyncInvoke({ retryAttempts: 2, onFailure: new QueueDestination(undelivered) });
  const parameter = stack.formatArn({ service: 'ssm', resource: 'parameter', resourceName: approvedParameter(namePrefix, model).slice(1) });
  allow(trigger, ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'], runs.tableArn);
  allow(trigger, ['dynamodb:GetItem', 'dynamodb:Scan'], catalog.table.tableArn);
  allow(trigger, ['states:StartExecution'], machineArn);
  allow(trigger, ['ssm:GetParameter'], parameter);
  registry.grantRead(trigger);
  withoutPolicyFindings(trigger);
  return trigger;
}

function createGate(scope: Construct, { pipeline: { artifacts, model }, rules }: TrainingFunctionsProps): Lambda {
  const gate = handlerFunction(scope, 'Gate', {
    handler: 'quality-gate',
    description: `Judges candidates of ${model}`,
    timeout: Duration.minutes(15),
    // Five million rows, and one whole processor (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
    memory: Size.mebibytes(1769),
    environment: { [TRAINING_ENV.rules]: JSON.stringify(rules) },
  });
  const [evaluations, verdicts] = ['evaluation', 'gate'].map((folder) => `${runPrefix(model)}*/${folder}/*`);
  allowRead(gate, artifacts.bucket, evaluations);
  allowWrite(gate, artifacts.bucket, verdicts);
  for (const pattern of [evaluations, verdicts]) {
    acknowledgeResource(gate, artifacts.bucket.arnForObjects(pattern), 'runs of this one model are named by what they are made of');
  }
  withoutPolicyFindings(gate);
  return gate;
}

function createRegistrar(scope: Construct, { pipeline, settings, code }: TrainingFunctionsProps): Lambda {
  const stack = Stack.of(scope);
  const registrar = handlerFunction(scope, 'Registrar', {
    handler: 'model-registrar',
    description: `Registers candidates of ${pipeline.model}`,
    // Amazon S3 answers when it has copied, up to 5 GiB.
    timeout: Duration.minutes(15),
  });
  pipeline.registry.grantRegister(registrar);
  pipeline.registry.grantRead(registrar);
  pipeline.artifacts.grantRegister(pipeline.model, registrar);
  allow(registrar, ['s3:GetObject'], Bucket.fromBucketName(scope, 'CodeBucket', code.bucketName).arnForObjects(code.codeKey));
  const jobs = stack.formatArn({ service: 'sagemaker', resource: 'training-job', resourceName: jobPattern(settings.jobPrefix) });
  allow(registrar, ['sagemaker:DescribeTrainingJob'], jobs);
  acknowledgeResource(registrar, jobs, 'jobs of this pipeline alone; each is named after its run');
  withoutPolicyFindings(registrar);
  return registrar;
}

function createRecord(scope: Construct, { pipeline, runs, undelivered }: TrainingFunctionsProps): Lambda {
  const record = handlerFunction(scope, 'Record', {
    handler: 'training-record',
    description: `Records how training runs of ${pipeline.model} end`,
    timeout: Duration.seconds(30),
    memory: Size.mebibytes(256),
    environment: { [TRAINING_ENV.group]: namesOf(pipeline.namePrefix, pipeline.model).group, [DELIVERY_ENV.runs]: runs.tableName },
  });
  record.configureAsyncInvoke({ retryAttempts: 2, onFailure: new QueueDestination(undelivered) });
  allow(record, ['dynamodb:UpdateItem'], runs.tableArn);
  pipeline.registry.grantRead(record);
  withoutPolicyFindings(record);
  return record;
}

function createAnnouncer(scope: Construct, { pipeline: { bus, model }, runs, undelivered }: TrainingFunctionsProps): void {
  const announcer = handlerFunction(scope, 'Announcer', {
    handler: 'training-events',
    description: `Announces how training runs of ${model} end`,
    timeout: Duration.seconds(30),
    memory: Size.mebibytes(256),
    environment: { [DELIVERY_ENV.eventBus]: bus.eventBusName },
  });
  followChanges(announcer, runs, undelivered);
  bus.grantPutEventsTo(announcer);
  withoutPolicyFindings(announcer);
}
