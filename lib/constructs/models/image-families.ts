import djlLmi from './data/djl-lmi.json';
import huggingFacePytorch from './data/hugging-face-pytorch.json';
import huggingFaceTgi from './data/hugging-face-tgi.json';
import huggingFaceVllm from './data/hugging-face-vllm.json';
import pytorch from './data/pytorch.json';
import scikitLearn from './data/scikit-learn.json';
import tensorflow from './data/tensorflow.json';
import xgboost from './data/xgboost.json';

/** One image of a version. @internal */
export interface PublishedImage {
  readonly tag: string;
  /** CUDA version; absent for CPUs. */
  readonly cuda?: string;
}

/** What `scripts/inference-images.ts` writes of a family. @internal */
export interface ImageData {
  /** Day of the older of its sources. */
  readonly date: string;
  readonly repository: string;
  readonly architecture: string;
  /** Registry account of each Region. */
  readonly accounts: Readonly<Record<string, string>>;
  readonly versions: Readonly<
    Record<
      string,
      {
        /** Last day on which AWS patches the image, where AWS says so. */
        readonly patchedUntil?: string;
        readonly cpu?: PublishedImage;
        readonly gpu?: PublishedImage;
      }
    >
  >;
}

/** Images that AWS publishes under one repository, and how their containers take a model. @internal */
export interface ImageFamily {
  /** What its makers call it. */
  readonly name: string;
  readonly data: ImageData;
  /** Whether the container serves nothing without `code/inference.py`. */
  readonly requiresCode: boolean;
  /** Whether it also runs training programs and processing jobs in script mode. */
  readonly trains: boolean;
  /** File of the archive whose packages the container installs when it starts. */
  readonly requirements?: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Program and folder of script mode; the folder is inside the archive, so that no network is needed to fetch it. */
const SCRIPT_MODE = { SAGEMAKER_PROGRAM: 'inference.py', SAGEMAKER_SUBMIT_DIRECTORY: '/opt/ml/model/code' };

const REQUIREMENTS = 'code/requirements.txt';
const SCRIPT = { requiresCode: true, trains: true, requirements: REQUIREMENTS, environment: SCRIPT_MODE };

/** The container knows how to load the archive; code in it is optional, and found without being named. */
const SERVER = { requiresCode: false, trains: false, environment: {} };

/** @internal */
export const SCIKIT_LEARN: ImageFamily = { name: 'scikit-learn', data: scikitLearn, ...SCRIPT };

/** @internal */
export const XGBOOST: ImageFamily = { name: 'XGBoost', data: xgboost, ...SCRIPT };

/**
 * Without `SAGEMAKER_PROGRAM` the same image serves what the built-in algorithm made
 * (https://github.com/aws/sagemaker-xgboost-container, `serving.py`).
 *
 * @internal
 */
export const XGBOOST_ALGORITHM: ImageFamily = { name: 'XGBoost', data: xgboost, ...SERVER };

/**
 * `code/inference.py` and `code/requirements.txt` are used when they are there
 * (https://github.com/aws/sagemaker-inference-toolkit, `environment.py` and `model_server.py`).
 *
 * @internal
 */
export const PYTORCH: ImageFamily = { name: 'PyTorch', data: pytorch, ...SERVER, requirements: REQUIREMENTS };

/**
 * Serves a SavedModel; `code/inference.py` is optional, and packages in `code/lib` take the place of `code/requirements.txt`
 * (https://github.com/aws/sagemaker-tensorflow-serving-container).
 *
 * @internal
 */
export const TENSORFLOW: ImageFamily = { name: 'TensorFlow', data: tensorflow, ...SERVER };

/** @internal */
export const DJL_LMI: ImageFamily = { name: 'DJL LMI', data: djlLmi, ...SERVER };

/** Started by the inference toolkit, as PyTorch is (https://github.com/aws/sagemaker-huggingface-inference-toolkit). @internal */
export const HUGGING_FACE_PYTORCH: ImageFamily = {
  name: 'Hugging Face PyTorch',
  data: huggingFacePytorch,
  ...SERVER,
  requirements: REQUIREMENTS,
};

/**
 * Its container exits without `HF_MODEL_ID` (https://github.com/huggingface/text-generation-inference, `sagemaker-entrypoint.sh`); the
 * archive is unpacked to `/opt/ml/model`.
 *
 * @internal
 */
export const HUGGING_FACE_TGI: ImageFamily = {
  name: 'Hugging Face TGI',
  data: huggingFaceTgi,
  ...SERVER,
  environment: { HF_MODEL_ID: '/opt/ml/model' },
};

/** Finds the archive by itself (https://github.com/aws/deep-learning-containers, `scripts/docker/huggingface/vllm`). @internal */
export const HUGGING_FACE_VLLM: ImageFamily = { name: 'Hugging Face vLLM', data: huggingFaceVllm, ...SERVER };

/** All families, each data file once. @internal */
export const IMAGE_FAMILIES: readonly ImageFamily[] = [
  SCIKIT_LEARN,
  XGBOOST,
  PYTORCH,
  TENSORFLOW,
  DJL_LMI,
  HUGGING_FACE_PYTORCH,
  HUGGING_FACE_TGI,
  HUGGING_FACE_VLLM,
];
