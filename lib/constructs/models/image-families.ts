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
  /** Variables that name the revision of a model of the Hugging Face hub, beside `HF_MODEL_ID`; undefined where containers fetch none. */
  readonly revisionVariables?: readonly string[];
  /** Variable that vLLM's scheduling policy is named by; undefined where containers serve in order of arrival only. */
  readonly schedulingVariable?: string;
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

/**
 * `option.revision` of its configuration is `OPTION_REVISION` of the environment
 * (https://docs.djl.ai/docs/serving/serving/docs/lmi/deployment_guide/configurations.html). Before it loads that revision it looks into the
 * `config.json` of the newest one to choose its settings (https://github.com/deepjavalibrary/djl-serving, `LmiUtils.java`). Engine arguments of vLLM are
 * handed on as `OPTION_...` (https://docs.djl.ai/docs/serving/serving/docs/lmi/user_guides/vllm_user_guide.html).
 *
 * @internal
 */
export const DJL_LMI: ImageFamily = {
  name: 'DJL LMI',
  data: djlLmi,
  ...SERVER,
  revisionVariables: ['OPTION_REVISION'],
  schedulingVariable: 'OPTION_SCHEDULING_POLICY',
};

/**
 * Started by the inference toolkit, as PyTorch is (https://github.com/aws/sagemaker-huggingface-inference-toolkit, `mms_model_server.py`, which
 * reads `HF_MODEL_REVISION`), newer ones by `hf-serve`, which reads `HF_REVISION`
 * (https://github.com/aws/deep-learning-containers, `scripts/docker/huggingface/pytorch/inference/entrypoint.sh`).
 *
 * @internal
 */
export const HUGGING_FACE_PYTORCH: ImageFamily = {
  name: 'Hugging Face PyTorch',
  data: huggingFacePytorch,
  ...SERVER,
  requirements: REQUIREMENTS,
  revisionVariables: ['HF_MODEL_REVISION', 'HF_REVISION'],
};

/**
 * Its container exits without `HF_MODEL_ID` and hands `HF_MODEL_REVISION` on
 * (https://github.com/huggingface/text-generation-inference, `sagemaker-entrypoint.sh`); the archive is unpacked to `/opt/ml/model`.
 *
 * @internal
 */
export const HUGGING_FACE_TGI: ImageFamily = {
  name: 'Hugging Face TGI',
  data: huggingFaceTgi,
  ...SERVER,
  environment: { HF_MODEL_ID: '/opt/ml/model' },
  revisionVariables: ['HF_MODEL_REVISION'],
};

/**
 * Finds the archive by itself; `SM_VLLM_...` are options of vLLM (https://github.com/aws/deep-learning-containers,
 * `scripts/docker/huggingface/vllm/sagemaker_entrypoint.sh`), whose tokenizer has a revision of its own
 * (https://docs.vllm.ai/en/latest/models/engine_args.html).
 *
 * @internal
 */
export const HUGGING_FACE_VLLM: ImageFamily = {
  name: 'Hugging Face vLLM',
  data: huggingFaceVllm,
  ...SERVER,
  revisionVariables: ['SM_VLLM_REVISION', 'SM_VLLM_TOKENIZER_REVISION'],
  schedulingVariable: 'SM_VLLM_SCHEDULING_POLICY',
};

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
