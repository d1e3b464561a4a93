import { Aws } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { InferenceImage, JumpStartModelProps, ModelSource } from '../../../lib/constructs/models';
import { InstanceType } from '../../../lib/constructs/serving';
import { synth } from '../../support/synth';
import { Shape } from '../serving/component-fixtures';
import { endpoint } from '../serving/fixtures';

const image = InferenceImage.djlLmi('0.36.0-lmi28.0.0');
const HERE = { account: '111111111111', region: 'us-east-1' };
const OPEN = 's3://jumpstart-cache-prod-us-east-1/huggingface-llm/huggingface-llm-falcon-7b-bf16/artifacts/inference-prepack/v1.0.1/';
const GATED =
  's3://jumpstart-private-cache-prod-us-east-1/meta-textgeneration/meta-textgeneration-llama-3-8b/artifacts/inference-prepack/v1.1.0/';
const built = (address: string, props: Partial<JumpStartModelProps> = {}, env: { account: string; region: string } | undefined = HERE) =>
  synth(
    (stack) => endpoint(stack, { model: ModelSource.fromJumpStart(address, { image, ...props }), instance: InstanceType.ML_G5_12XLARGE }),
    env,
  );
const containerOf = (template: Template): Shape =>
  Object.values(template.findResources('AWS::SageMaker::Model'))[0].Properties.PrimaryContainer;

describe('ModelSource.fromJumpStart [M2, M3]', () => {
  test('takes an open model as it lies in the bucket of its Region, isolated', () => {
    const { template, nag } = built(OPEN);
    expect(containerOf(template).ModelDataSource).toEqual({
      S3DataSource: { S3Uri: OPEN, S3DataType: 'S3Prefix', CompressionType: 'None' },
    });
    template.hasResourceProperties('AWS::SageMaker::Model', { EnableNetworkIsolation: true });
    expect(nag).toEqual([]);
  });

  test('takes a gated model only when its licence is accepted [row 46]', () => {
    for (const acceptEula of [undefined, false]) {
      expect(() => built(GATED, { acceptEula })).toThrow(
        "'model' is gated by an end-user licence agreement: read it ('HostingEulaUri' of its hub content) and set 'acceptEula: true'",
      );
    }
    expect(containerOf(built(GATED, { acceptEula: true }).template).ModelDataSource).toEqual({
      S3DataSource: { S3Uri: GATED, S3DataType: 'S3Prefix', CompressionType: 'None', ModelAccessConfig: { AcceptEula: true } },
    });
    expect(() => built(OPEN, { acceptEula: true })).toThrow(
      "'acceptEula' is for gated models, and jumpstart-cache-prod-us-east-1 holds none",
    );
  });

  test('takes an archive: an open one by its address, a gated one with its licence', () => {
    const open = containerOf(built(`${OPEN}model.tar.gz`).template);
    expect([open.ModelDataUrl, open.ModelDataSource]).toEqual([`${OPEN}model.tar.gz`, undefined]);
    expect(containerOf(built(`${GATED}model.tar.gz`, { acceptEula: true }).template).ModelDataSource).toEqual({
      S3DataSource: {
        S3Uri: `${GATED}model.tar.gz`,
        S3DataType: 'S3Object',
        CompressionType: 'Gzip',
        ModelAccessConfig: { AcceptEula: true },
      },
    });
  });

  test.each([
    ['s3://my-bucket/model/', "'model' must be an address in a bucket of JumpStart"],
    ['s3://jumpstart-cache-prod-us-east-1', "'model' must be an address in a bucket of JumpStart"],
    ['meta-textgeneration-llama-3-8b', "'model' must be an address in a bucket of JumpStart"],
    [`s3://${Aws.ACCOUNT_ID}/a/`, "'model' must be an address in a bucket of JumpStart"],
    [OPEN.slice(0, -1), "'model' prefix must end with '/'"],
    [`${OPEN}*/`, "'model' prefix must name one folder"],
    [`${OPEN}*.tar.gz`, "'model' key must name one object"],
  ])('fails on the address %s', (address, message) => {
    expect(() => built(address)).toThrow(message);
  });

  test('fails on the bucket of another Region, when that of the endpoint is known [row 30]', () => {
    expect(() => built(OPEN, {}, { account: HERE.account, region: 'eu-central-1' })).toThrow(
      "'model' is in us-east-1 but the endpoint in eu-central-1: use the address in eu-central-1",
    );
    expect(() =>
      synth((stack) => endpoint(stack, { model: ModelSource.fromJumpStart(OPEN, { image }), instance: InstanceType.ML_G5_12XLARGE })),
    ).not.toThrow();
  });

  test('says what each cannot be served by: uncompressed and gated data are no archive [row 27]', () => {
    const excluded = (address: string, acceptEula?: boolean) =>
      ModelSource.fromJumpStart(address, { image, acceptEula })._exclusionProblems('serverless').length;
    expect([excluded(OPEN), excluded(GATED, true), excluded(`${GATED}m.tar.gz`, true), excluded(`${OPEN}m.tar.gz`)]).toEqual([1, 1, 1, 0]);
  });
});
