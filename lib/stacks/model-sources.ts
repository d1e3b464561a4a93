import { Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { ImageConfig, ModelConfig } from '../config/model-schema';
import { ModelSource } from '../constructs/models';
import { imageOf } from './images';

interface FixedModel {
  readonly model: Omit<ModelConfig, 'training'>;
  readonly image: ImageConfig;
  readonly environment: Record<string, string>;
}

/** The source of a model that no release changes: the schema lets exactly one through. */
export function modelSourceOf(scope: Construct, { model, image, environment }: FixedModel): ModelSource {
  const props = { image: imageOf(image), environment };
  if (model.asset !== undefined) {
    return ModelSource.fromAsset(model.asset, props);
  }
  if (model.huggingFace !== undefined) {
    const { id, revision, downloadAtStart } = model.huggingFace;
    Validations.of(scope).acknowledge({
      id: 'AiWorkload::AiWorkload-ModelReachesInternet',
      reason: `the file acknowledges with downloadAtStart that containers download ${id} when they start; production stages it`,
    });
    return ModelSource.fromHuggingFace(id, { ...props, revision, downloadAtStart });
  }
  const [, bucketName, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec((model.tarball ?? model.s3Prefix)!)!;
  const bucket = Bucket.fromBucketName(scope, 'ModelBucket', bucketName);
  return model.tarball === undefined ? ModelSource.fromPrefix(bucket, key, props) : ModelSource.fromTarball(bucket, key, props);
}

/** Containers are cut off from the network unless they download what they serve: undefined is the default of the constructs. */
export const isolationOf = (...models: FixedModel['model'][]): false | undefined =>
  models.some(({ huggingFace }) => huggingFace !== undefined) ? false : undefined;
