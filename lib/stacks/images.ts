import { ImageConfig } from '../config/model-schema';
import { ImageAccelerator, InferenceImage } from '../constructs/models';

/** The image that an endpoint of the config names: the schema lets exactly one family through. */
export function imageOf({ accelerator, ...families }: ImageConfig): InferenceImage {
  const [[family, version]] = Object.entries(families) as [keyof typeof families, string][];
  const kind = accelerator === 'gpu' ? ImageAccelerator.GPU : ImageAccelerator.CPU;
  switch (family) {
    case 'pytorch':
    case 'tensorflow':
    case 'huggingFacePytorch':
      return InferenceImage[family](version, kind);
    default:
      return InferenceImage[family](version);
  }
}
