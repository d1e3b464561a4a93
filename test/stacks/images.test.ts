import { ImageConfig } from '../../lib/config/model-schema';
import { IMAGE_FAMILIES } from '../../lib/constructs/models/image-families';
import { imageOf } from '../../lib/stacks/images';

const labelOf = (image: ImageConfig) => imageOf(image).label;

describe('imageOf [W7]', () => {
  test.each([
    [{ scikitLearn: '1.4-2' }, 'sagemaker-scikit-learn:1.4-2-cpu-py3'],
    [{ xgboost: '1.7-1' }, 'sagemaker-xgboost:1.7-1'],
    [{ xgboostAlgorithm: '3.2-0' }, 'sagemaker-xgboost:3.2-0'],
    [{ pytorch: '2.6.0' }, 'pytorch-inference:2.6.0-cpu-py312-ubuntu22.04-sagemaker'],
    [{ pytorch: '2.6.0', accelerator: 'gpu' as const }, 'pytorch-inference:2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker'],
    [{ tensorflow: '2.19.0', accelerator: 'cpu' as const }, 'tensorflow-inference:2.19.0-cpu-py312-ubuntu22.04-sagemaker'],
    [{ djlLmi: '0.36.0-lmi28.0.0' }, 'djl-inference:0.36.0-lmi28.0.0-cu130'],
    [
      { huggingFacePytorch: '2.6.0-transformers5.5.3', accelerator: 'gpu' as const },
      'huggingface-pytorch-inference:2.6.0-transformers5.5.3-gpu-py312-cu124-ubuntu22.04',
    ],
    [{ huggingFaceTgi: '2.7.0-tgi3.3.6' }, 'huggingface-pytorch-tgi-inference:2.7.0-tgi3.3.6-gpu-py311-cu124-ubuntu22.04'],
    [{ huggingFaceVllm: '0.21.0-transformers5.8.1' }, 'huggingface-vllm:0.21.0-transformers5.8.1-gpu-py312-cu130-ubuntu22.04'],
  ])('takes %j', (image, label) => {
    expect(labelOf(image)).toBe(label);
    expect(IMAGE_FAMILIES.map(({ data }) => data.repository)).toContain(label.split(':')[0]);
  });
});
