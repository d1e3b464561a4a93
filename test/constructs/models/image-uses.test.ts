import { Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { ImageAccelerator, InferenceImage } from '../../../lib/constructs/models';
import { repositoryOf } from '../../../runtime/model-release/versions';
import { app } from '../../support/synth';
import { flat } from '../data/statements';
import { build, trainingDefinition } from '../delivery/training';

describe('images of AWS in training, registration and release [R1, R3]', () => {
  test('a run asks for the image of any family that trains, and its version has the environment of that', () => {
    const { template } = build({ image: InferenceImage.xgboost('1.7-1') });
    const { Image, Register } = trainingDefinition(template).States;
    expect(Image.Parameters).toMatchObject({
      RegistryId: '492215442770',
      RepositoryName: 'sagemaker-xgboost',
      ImageIds: [{ ImageTag: '1.7-1' }],
    });
    expect(Image.ResultSelector['uri.$']).toMatch(/492215442770\.dkr\.ecr\.eu-central-1\.[^/]+\/sagemaker-xgboost@\{\}/);
    expect(Register.Parameters.registration.environment).toMatchObject({ SAGEMAKER_PROGRAM: 'inference.py' });
  });

  test.each([
    [InferenceImage.pytorch('2.6.0'), "'image' pytorch-inference:2.6.0-cpu-py312-ubuntu22.04-sagemaker does not train in script mode"],
    [InferenceImage.xgboostAlgorithm('1.7-1'), "'image' sagemaker-xgboost:1.7-1 does not train in script mode"],
    [InferenceImage.xgboost('1.7'), "'image' XGBoost '1.7' is not one of"],
  ])('a pipeline fails on an image that does not train or does not exist (%#)', (image, message) => {
    expect(() => build({ image })).toThrow(message);
  });

  test.each([
    InferenceImage.scikitLearn('1.9-0'),
    InferenceImage.xgboost('3.2-0'),
    InferenceImage.pytorch('2.6.0', ImageAccelerator.GPU),
    InferenceImage.djlLmi('0.36.0-lmi28.0.0'),
    InferenceImage.huggingFaceTgi('2.4.0-tgi3.0.1'),
  ])('a release knows the repository of a registered address, by tag and by digest (%#)', (image) => {
    const stack = new Stack(app(), 'S', { env: { account: '111111111111', region: 'eu-west-1' } });
    const address = flat(
      stack.resolve(image._bind(stack, new Role(stack, 'Role', { assumedBy: new ServicePrincipal('a.amazonaws.com') }))),
    );
    expect(repositoryOf(address)).toBe(flat(stack.resolve(image.repositoryUri(stack))));
    expect(repositoryOf(`${repositoryOf(address)}@sha256:${'0'.repeat(64)}`)).toBe(repositoryOf(address));
  });
});
