import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  App,
  aws_apigateway as apigateway,
  aws_cloudwatch as cw,
  aws_cloudwatch_actions as actions,
  aws_ec2 as ec2,
  aws_ecs as ecs,
  aws_events as events,
  aws_events_targets as targets,
  aws_kinesis as kinesis,
  aws_lambda as lambda,
  aws_lambda_event_sources as sources,
  aws_s3 as s3,
  aws_sns as sns,
  aws_sqs as sqs,
  aws_stepfunctions as sfn,
  aws_stepfunctions_tasks as tasks,
  CfnResource,
  Duration,
  NestedStack,
  Stack,
  Stage,
} from 'aws-cdk-lib';
import { Subject, loadAssembly } from '../../gate/assembly';

/** An app that is not ours: plain aws-cdk-lib, a stage, a nested stack, no flag of ours. Returns the assembly's folder. */
export function foreignApp(build: (stack: Stack) => void): string {
  const outdir = mkdtempSync(join(tmpdir(), 'foreign-'));
  const app = new App({ outdir, context: { 'aws:cdk:enable-path-metadata': true } });
  build(new Stack(new Stage(app, 'Live'), 'Shop'));
  app.synth();
  return outdir;
}

/** The templates of such an app. */
export const foreign = (build: (stack: Stack) => void): Subject[] => loadAssembly(foreignApp(build));

/** A bucket as the gate wants it. */
export const soundBucket = (stack: Stack) =>
  new s3.Bucket(stack, 'Store', {
    enforceSSL: true,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    encryption: s3.BucketEncryption.S3_MANAGED,
  });

/** A sound shop: what people build with plain aws-cdk-lib, written in the ways that CloudFormation allows. */
export function soundShop(stack: Stack): void {
  soundBucket(new NestedStack(stack, 'Inner'));
  const alarm = new actions.SnsAction(new sns.Topic(stack, 'OnCall'));
  const worker = orders(stack, alarm);
  feeds(stack, worker);
  workflows(stack, worker);
  web(stack, alarm);
  queryAlarm(stack, alarm);
  scaledToZero(stack);
}

/** A queue that a function reads through its alias; the alarm on it watches a band. */
function orders(stack: Stack, action: actions.SnsAction): lambda.IFunction {
  const worker = new lambda.Function(stack, 'Worker', {
    runtime: lambda.Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline('exports.handler = async () => {}'),
    timeout: Duration.seconds(20),
  });
  const dead = new sqs.Queue(stack, 'DeadOrders', { retentionPeriod: Duration.days(14) });
  const queue = new sqs.Queue(stack, 'Orders', {
    visibilityTimeout: Duration.seconds(120),
    deadLetterQueue: { queue: dead, maxReceiveCount: 5 },
  });
  new lambda.Alias(stack, 'Live', { aliasName: 'live', version: worker.currentVersion }).addEventSource(
    new sources.SqsEventSource(queue, { reportBatchItemFailures: true }),
  );
  new cw.AnomalyDetectionAlarm(stack, 'OddErrors', {
    metric: worker.metricErrors(),
    evaluationPeriods: 3,
    treatMissingData: cw.TreatMissingData.NOT_BREACHING,
  }).addAlarmAction(action);
  const oldest = queue.metricApproximateAgeOfOldestMessage().createAlarm(stack, 'Oldest', {
    threshold: 600,
    evaluationPeriods: 3,
    treatMissingData: cw.TreatMissingData.NOT_BREACHING,
  });
  new cw.CompositeAlarm(stack, 'Trouble', {
    alarmRule: cw.AlarmRule.fromAlarm(oldest, cw.AlarmState.ALARM),
  }).addAlarmAction(action);
  return worker;
}

/** A stream and a table that a function follows, and a rule with a dead-letter queue. */
function feeds(stack: Stack, worker: lambda.IFunction): void {
  const clicks = new kinesis.Stream(stack, 'Clicks', { streamMode: kinesis.StreamMode.ON_DEMAND });
  worker.addEventSource(new sources.KinesisEventSource(clicks, { startingPosition: lambda.StartingPosition.LATEST }));
  const returns = new sqs.Queue(stack, 'DeadReturns', { retentionPeriod: Duration.days(14) });
  new events.Rule(stack, 'Returned', {
    eventPattern: { source: ['shop'] },
    targets: [new targets.LambdaFunction(worker, { deadLetterQueue: returns })],
  });
}

/** A machine from constructs, one from a text with substitutions, and one from an object. */
function workflows(stack: Stack, worker: lambda.IFunction): void {
  const machine = new sfn.StateMachine(stack, 'Fulfil', {
    definitionBody: sfn.DefinitionBody.fromChainable(
      new tasks.LambdaInvoke(stack, 'Pack', { lambdaFunction: worker })
        .next(new sfn.Wait(stack, 'Cool', { time: sfn.WaitTime.duration(Duration.seconds(5)) }))
        .next(
          new sfn.Choice(stack, 'Big?')
            .when(sfn.Condition.numberGreaterThan('$.n', 5), new sfn.Fail(stack, 'No'))
            .otherwise(new sfn.Succeed(stack, 'Yes')),
        ),
    ),
  });
  const text = (next: string) =>
    `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"\${Worker.Arn}","TimeoutSeconds":\${Seconds}${next}}}}`;
  const role = machine.role.roleArn;
  const make = (id: string, properties: object) =>
    new CfnResource(stack, id, { type: 'AWS::StepFunctions::StateMachine', properties: { RoleArn: role, ...properties } });
  make('ByText', {
    DefinitionString: { 'Fn::Sub': [text(',"End":true').replace('Worker.Arn', 'Arn'), { Arn: worker.functionArn, Seconds: '30' }] },
  });
  make('ByPlainText', {
    DefinitionString: { 'Fn::Sub': '{"StartAt":"A","States":{"A":{"Type":"Pass","Comment":"${AWS::Region}","End":true}}}' },
  });
  make('ByObject', {
    Definition: { StartAt: 'A', States: { A: { Type: 'Task', Resource: worker.functionArn, End: true } } },
  });
}

/** A service that scales with its load, behind an API with its own alarm. */
function web(stack: Stack, action: actions.SnsAction): void {
  const vpc = new ec2.Vpc(stack, 'Net', { maxAzs: 2, natGateways: 1, restrictDefaultSecurityGroup: false });
  const task = new ecs.FargateTaskDefinition(stack, 'Task');
  task.addContainer('web', { image: ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.27') });
  const service = new ecs.FargateService(stack, 'Web', {
    cluster: new ecs.Cluster(stack, 'Cluster', { vpc }),
    taskDefinition: task,
    minHealthyPercent: 100,
  });
  service.autoScaleTaskCount({ minCapacity: 0, maxCapacity: 10 }).scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 60 });
  const api = new apigateway.RestApi(stack, 'Api', { deployOptions: { throttlingRateLimit: 10 } });
  api.root.addMethod('GET', new apigateway.MockIntegration(), { authorizationType: apigateway.AuthorizationType.IAM });
  api
    .metricServerError()
    .createAlarm(stack, 'ApiErrors', { threshold: 5, evaluationPeriods: 1, treatMissingData: cw.TreatMissingData.NOT_BREACHING })
    .addAlarmAction(action);
}

/** The slowest functions, asked by a query whose names are no metric ids. */
function queryAlarm(stack: Stack, action: actions.SnsAction): void {
  new cw.Alarm(stack, 'Slowest', {
    metric: new cw.MathExpression({
      expression: 'SELECT MAX(Duration) FROM SCHEMA("AWS/Lambda", FunctionName) group by FunctionName order by MAX() desc limit 5',
      usingMetrics: {},
      period: Duration.minutes(5),
    }),
    threshold: 10_000,
    evaluationPeriods: 1,
    treatMissingData: cw.TreatMissingData.NOT_BREACHING,
  }).addAlarmAction(action);
}

/** Asynchronous endpoints that rest at zero: one with a name, one whose name is known only at deployment. */
function scaledToZero(stack: Stack): void {
  const make = (id: string, type: string, properties: object) => new CfnResource(stack, id, { type, properties });
  make('Config', 'AWS::SageMaker::EndpointConfig', {
    ProductionVariants: [
      { VariantName: 'Main', ModelName: 'shared', InstanceType: 'ml.m5.large', InitialInstanceCount: 1, InitialVariantWeight: 1 },
    ],
    AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://results/x/' } },
  });
  const EndpointConfigName = { 'Fn::GetAtt': ['Config', 'EndpointConfigName'] };
  make('Unnamed', 'AWS::SageMaker::Endpoint', { EndpointConfigName, RetainAllVariantProperties: true });
  const named = make('Named', 'AWS::SageMaker::Endpoint', { EndpointName: 'async', EndpointConfigName, RetainAllVariantProperties: true });
  const name = { 'Fn::GetAtt': ['Unnamed', 'EndpointName'] };
  rest(stack, 'Joined', { 'Fn::Join': ['', ['endpoint/', name, '/variant/Main']] });
  rest(stack, 'Literal', 'endpoint/async/variant/Main').addResourceDependency(named);
  rest(stack, 'Elsewhere', { 'Fn::Sub': ['endpoint/${Name}/variant/Other', { Name: { 'Fn::ImportValue': 'endpoint-name' } }] });
}

function rest(stack: Stack, id: string, resourceId: unknown): CfnResource {
  const scalable = new CfnResource(stack, `${id}Target`, {
    type: 'AWS::ApplicationAutoScaling::ScalableTarget',
    properties: {
      ServiceNamespace: 'sagemaker',
      ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
      ResourceId: resourceId,
      MinCapacity: 0,
      MaxCapacity: 3,
    },
  });
  new CfnResource(stack, `${id}Policy`, {
    type: 'AWS::ApplicationAutoScaling::ScalingPolicy',
    properties: {
      PolicyName: id,
      PolicyType: 'TargetTrackingScaling',
      ScalingTargetId: scalable.ref,
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: 5,
        CustomizedMetricSpecification: {
          Namespace: 'AWS/SageMaker',
          MetricName: 'ApproximateBacklogSizePerInstance',
          Statistic: 'Average',
          Dimensions: [{ Name: 'EndpointName', Value: 'async' }],
        },
      },
    },
  });
  return scalable;
}
