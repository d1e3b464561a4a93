import { Duration, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AsyncEndpoint, AsyncEndpointProps, AsyncSlo, InstanceType } from '../../../lib/constructs/serving';
import { tarball } from './fixtures';

/** An asynchronous endpoint with the fewest properties and whatever the test adds. */
export function asyncEndpoint(stack: Stack, props: Partial<AsyncEndpointProps> = {}): AsyncEndpoint {
  return new AsyncEndpoint(stack, 'Reports', {
    model: props.model ?? tarball(stack),
    instance: InstanceType.ML_M5_LARGE,
    slo: AsyncSlo.answers({ within: Duration.minutes(15) }),
    input: props.input ?? { bucket: Bucket.fromBucketName(stack, 'In', 'my-requests') },
    output: props.output ?? { bucket: Bucket.fromBucketName(stack, 'Out', 'my-answers') },
    endpointName: 'flights-dev-reports',
    ...props,
  });
}
