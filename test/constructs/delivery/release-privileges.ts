import {
  anywhere,
  arn,
  BOOTSTRAP,
  CONFIG,
  each,
  ENDPOINT,
  iam,
  KEPT,
  MADE,
  MODEL,
  OWNED,
  passed,
  POINTER,
  PREFIX,
  Privileges,
  VERSION,
} from './privileges';

const ALARM = arn('cloudwatch', `alarm:${PREFIX}-delay-errors`);
const TRACKING_ALARM = arn('cloudwatch', `alarm:TargetTracking-endpoint/${PREFIX}-delay/variant/all-AlarmHigh-1`);
const TARGET = arn('application-autoscaling', 'scalable-target/0ec3');
const LINKED = 'sagemaker.application-autoscaling.amazonaws.com';
const SCALING = {
  'application-autoscaling:service-namespace': 'sagemaker',
  'application-autoscaling:scalable-dimension': 'sagemaker:variant:DesiredInstanceCount',
};

/** The role with which AWS CloudFormation updates a serving stack. */
export const release: Privileges = {
  service: 'cloudformation.amazonaws.com',
  may: [
    ...each('sagemaker', 'CreateModel', MODEL, MADE),
    ...each('sagemaker', 'CreateEndpointConfig', CONFIG, MADE),
    ...each('sagemaker', 'AddTags', MODEL, { ...MADE, 'sagemaker:TaggingAction': 'CreateModel' }),
    ...each('sagemaker', 'AddTags', CONFIG, { ...MADE, 'sagemaker:TaggingAction': 'CreateEndpointConfig' }),
    ...each('sagemaker', 'DescribeModel DeleteModel ListTags', MODEL, OWNED),
    ...each('sagemaker', 'DescribeEndpointConfig DeleteEndpointConfig ListTags CreateEndpoint UpdateEndpoint', CONFIG, OWNED),
    ...each('sagemaker', 'CreateEndpoint', ENDPOINT, MADE),
    ...each('sagemaker', 'AddTags', ENDPOINT, { ...MADE, 'sagemaker:TaggingAction': 'CreateEndpoint' }),
    ...each('sagemaker', 'UpdateEndpoint DeleteEndpoint UpdateEndpointWeightsAndCapacities', ENDPOINT, OWNED),
    ...each('sagemaker', 'DescribeEndpoint ListTags', ENDPOINT),
    ...passed(iam(`role/${PREFIX}/serving/Endpoint`), 'sagemaker.amazonaws.com'),
    ...each('sagemaker', 'DeleteTags AddTags', ENDPOINT, OWNED),
    ...each('sagemaker', 'AddTags', ENDPOINT, { ...OWNED, ...MADE }),
    ...each('cloudwatch', 'DescribeAlarms ListTagsForResource PutMetricAlarm DeleteAlarms', ALARM),
    ...each('cloudwatch', 'PutMetricAlarm DeleteAlarms UntagResource', ALARM, OWNED),
    ...[MADE, { ...MADE, ...OWNED }].flatMap((context) => each('cloudwatch', 'TagResource', ALARM, context)),
    ...each('cloudwatch', 'DescribeAlarms PutMetricAlarm DeleteAlarms', TRACKING_ALARM),
    ...[MADE, { ...MADE, ...OWNED }].flatMap((context) => [
      ...each('application-autoscaling', 'RegisterScalableTarget', TARGET, { ...SCALING, ...context }),
      ...each('application-autoscaling', 'TagResource', TARGET, context),
    ]),
    ...each('application-autoscaling', 'DeregisterScalableTarget PutScalingPolicy DeleteScalingPolicy PutScheduledAction', TARGET, {
      ...SCALING,
      ...OWNED,
    }),
    ...each('application-autoscaling', 'ListTagsForResource', TARGET),
    ...anywhere(
      'application-autoscaling',
      'DescribeScalableTargets DescribeScalingPolicies DescribeScheduledActions',
      'reading has no resource type',
    ),
    ...anywhere('cloudwatch', 'GetMetricData', 'reading metrics has no resource type'),
    ...each(
      'iam',
      'CreateServiceLinkedRole',
      iam(`role/aws-service-role/${LINKED}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`),
      { 'iam:AWSServiceName': LINKED },
    ),
    ...each('ssm', 'GetParameter GetParameters', POINTER),
    ...each('ssm', 'GetParameter GetParameters', BOOTSTRAP),
    ...each('sagemaker', 'DescribeModelPackage', VERSION),
    ...each('cloudformation', 'DescribeStacks', arn('cloudformation', `stack/${PREFIX}-ownership/0a1b`)),
  ],
  mayNot: [
    ...each('application-autoscaling', 'UntagResource DeleteScheduledAction', TARGET, { ...SCALING, ...OWNED }),
    ...each('cloudwatch', 'TagResource UntagResource', TRACKING_ALARM, { ...MADE, ...OWNED }),
    ...each('sagemaker', 'CreateModel', MODEL),
    ...each('sagemaker', 'CreateEndpointConfig', CONFIG, OWNED),
    ...each('ssm', 'PutParameter', POINTER),
    ...each('s3', 'GetObject', KEPT),
    ...each('lambda', 'InvokeFunction', arn('lambda', 'ReleaseSteps')),
  ],
};
