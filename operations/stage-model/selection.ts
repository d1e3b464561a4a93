import { HubError, HubFile } from './hub';

/** Files that are code once a framework loads them (https://huggingface.co/docs/hub/security-pickle). */
const PICKLED = /\.(bin|pt|pth|ckpt|pkl|pickle|joblib|dill)$/i;
/** The same weights for other frameworks. */
const OTHER_FORMATS = /\.(h5|msgpack|ot|onnx|onnx_data|gguf|tflite)$/i;
const SAFE = /\.safetensors$/i;

export interface Selection {
  /** Largest first. */
  readonly files: readonly HubFile[];
  /** Weights that stay behind, because the model has them as safetensors too. */
  readonly left: readonly HubFile[];
}

/** What of a revision is staged. Errors: `UnsafeWeights` for pickles that nobody asked for, `UnusableName`, `NoFiles`. */
export function selectionOf(all: readonly HubFile[], allowPickle: boolean): Selection {
  const wanted = all.filter(({ path }) => !/(^|\/)\.git/.test(path));
  const unusable = wanted.filter(({ path }) =>
    path.split('/').some((part) => ['', '.', '..'].includes(part) || Buffer.byteLength(part) > 255),
  );
  if (unusable.length > 0) {
    throw new HubError(`UnusableName: SageMaker makes no file of ${listed(unusable)}: the model cannot be served from Amazon S3`);
  }
  const safe = wanted.some(({ path }) => SAFE.test(path));
  const left = safe ? wanted.filter(({ path }) => PICKLED.test(path) || OTHER_FORMATS.test(path)) : [];
  const files = wanted.filter((file) => !left.includes(file));
  const pickled = files.filter(({ path }) => PICKLED.test(path));
  if (pickled.length > 0 && !allowPickle) {
    throw new HubError(
      `UnsafeWeights: the model has no safetensors, and ${listed(pickled)} can run code when they are loaded: ask its owner for safetensors, or add --allow-pickle if you trust them`,
    );
  }
  if (files.length === 0) {
    throw new HubError('NoFiles: the revision has no file that could be served');
  }
  return { files: [...files].sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1)), left };
}

/** The bytes of the weights: what must fit into the memory of a GPU. */
export const weightBytes = (files: readonly HubFile[]): number =>
  files.filter(({ path }) => SAFE.test(path) || PICKLED.test(path) || OTHER_FORMATS.test(path)).reduce((sum, { size }) => sum + size, 0);

const listed = (files: readonly HubFile[]): string =>
  `${files
    .slice(0, 3)
    .map(({ path }) => path)
    .join(', ')}${files.length > 3 ? ` and ${files.length - 3} more` : ''}`;
