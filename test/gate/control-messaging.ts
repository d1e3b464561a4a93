/* eslint-disable @typescript-eslint/no-explicit-any -- templates are mutated by hand */

export const ref = (id: string) => ({ Ref: id });
export const att = (id: string, name: string) => ({ 'Fn::GetAtt': [id, name] });

/** Queues, the function that reads one, and a machine. */
export function messaging(): Record<string, any> {
  const assume = (service: string) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: service } }],
  });
  return {
    Dead: { Type: 'AWS::SQS::Queue', Properties: { MessageRetentionPeriod: 1_209_600, SqsManagedSseEnabled: true } },
    Jobs: {
      Type: 'AWS::SQS::Queue',
      Properties: {
        VisibilityTimeout: 180,
        MessageRetentionPeriod: 345_600,
        SqsManagedSseEnabled: true,
        RedrivePolicy: { deadLetterTargetArn: att('Dead', 'Arn'), maxReceiveCount: 5 },
      },
    },
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: assume('lambda.amazonaws.com'),
        Policies: [
          {
            PolicyName: 'read',
            PolicyDocument: {
              Version: '2012-10-17',
              Statement: [
                {
                  Effect: 'Allow',
                  Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
                  Resource: att('Jobs', 'Arn'),
                },
                { Effect: 'Allow', Action: 's3:Get*', Resource: { 'Fn::Sub': '${Store.Arn}/*' } },
              ],
            },
          },
        ],
      },
    },
    Worker: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Role: att('Role', 'Arn'),
        Timeout: 30,
        Code: { ZipFile: 'exports.handler = async () => {}' },
      },
    },
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: { FunctionName: ref('Worker'), EventSourceArn: att('Jobs', 'Arn'), FunctionResponseTypes: ['ReportBatchItemFailures'] },
    },
    Extra: { Type: 'AWS::SNS::Topic', Condition: 'Always', Properties: { KmsMasterKeyId: 'alias/aws/sns' } },
    Topic: { Type: 'AWS::SNS::Topic', Properties: { KmsMasterKeyId: 'alias/aws/sns' } },
    Machine: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        RoleArn: att('Role', 'Arn'),
        DefinitionString: {
          'Fn::Join': [
            '',
            [
              '{"StartAt":"Call","States":{"Call":{"Type":"Task","Resource":"',
              att('Worker', 'Arn'),
              '","Next":"Wait"},"Wait":{"Type":"Wait","Seconds":5,"End":true}}}',
            ],
          ],
        },
      },
    },
  };
}

/** A stream that a function reads, and a rule that sends to a FIFO queue. */
export function eventing(): Record<string, any> {
  const letIn = (queue: string) => ({
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: att(queue, 'Arn'),
    Condition: { ArnEquals: { 'aws:SourceArn': att('Rule', 'Arn') } },
  });
  return {
    Feed: { Type: 'AWS::Kinesis::Stream', Properties: { StreamModeDetails: { StreamMode: 'ON_DEMAND' } } },
    FeedMapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: { FunctionName: ref('Worker'), EventSourceArn: att('Feed', 'Arn'), StartingPosition: 'TRIM_HORIZON' },
    },
    DeadOrders: {
      Type: 'AWS::SQS::Queue',
      Properties: { FifoQueue: true, MessageRetentionPeriod: 1_209_600, SqsManagedSseEnabled: true },
    },
    Orders: {
      Type: 'AWS::SQS::Queue',
      Properties: {
        FifoQueue: true,
        ContentBasedDeduplication: true,
        SqsManagedSseEnabled: true,
        RedrivePolicy: { deadLetterTargetArn: att('DeadOrders', 'Arn'), maxReceiveCount: 5 },
      },
    },
    Rule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        EventPattern: { source: ['shop'] },
        Targets: [
          {
            Id: 'Orders',
            Arn: att('Orders', 'Arn'),
            SqsParameters: { MessageGroupId: 'all' },
            DeadLetterConfig: { Arn: att('Dead', 'Arn') },
          },
        ],
      },
    },
    OrdersPolicy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: { Queues: [ref('Orders')], PolicyDocument: { Version: '2012-10-17', Statement: [letIn('Orders')] } },
    },
    DeadPolicy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: { Queues: [ref('Dead')], PolicyDocument: { Version: '2012-10-17', Statement: [letIn('Dead')] } },
    },
  };
}
