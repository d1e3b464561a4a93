import { IBucket } from 'aws-cdk-lib/aws-s3';

/** Where an endpoint keeps copies of its requests and answers. */
export interface EndpointCapture {
  /** Bucket, in the Region of the endpoint. */
  readonly bucket: IBucket;
  /**
   * Prefix below which SageMaker writes `<endpoint>/<variant>/yyyy/mm/dd/hh/`, without slash at either end, at most 400 characters.
   *
   * @default 'endpoints'
   */
  readonly prefix?: string;
  /**
   * Share of requests that is kept, whole percent, 0 (none) to 100. Changing it is a full deployment of the endpoint
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html).
   *
   * @default 100
   */
  readonly samplingPercent?: number;
}
