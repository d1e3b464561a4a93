// Prints what of a stack scales an asynchronous endpoint between 0 and 3 instances, as the construct makes it: for an account that has the endpoint.
import { Duration } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { InferenceImage, ModelSource } from '../../../../lib/constructs/models';
import { AsyncEndpoint, AsyncSlo, BacklogScaling, InstanceType } from '../../../../lib/constructs/serving';
import { synth } from '../../../support/synth';

const { template } = synth((stack) => {
  const bucket = (name: string) => Bucket.fromBucketName(stack, name, name);
  return new AsyncEndpoint(stack, 'Reports', {
    model: ModelSource.fromTarball(bucket('models'), 'model.tar.gz', { image: InferenceImage.scikitLearn('1.4-2') }),
    instance: InstanceType.ML_M5_LARGE,
    slo: AsyncSlo.answers({ within: Duration.minutes(15) }),
    input: { bucket: bucket('requests') },
    output: { bucket: bucket('answers') },
    endpointName: process.argv[2],
    scaling: BacklogScaling.between(0, 3, { backlogPerInstance: 2, longestInvocation: Duration.minutes(1) }),
  });
});
const policies = template.findResources('AWS::ApplicationAutoScaling::ScalingPolicy');
const calls = ({ Properties }: { Properties: { AlarmActions?: { Ref: string }[] } }) =>
  (Properties.AlarmActions ?? []).some(({ Ref }) => Ref in policies);
const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).filter(([, alarm]) => calls(alarm as never));
const parts = [
  ...Object.entries(template.findResources('AWS::ApplicationAutoScaling::ScalableTarget')),
  ...Object.entries(policies),
  ...alarms,
];
console.log(JSON.stringify({ Resources: Object.fromEntries(parts.map(([id, { Type, Properties }]) => [id, { Type, Properties }])) }));
