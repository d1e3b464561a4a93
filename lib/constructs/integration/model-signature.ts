import { closest } from '../shared/contract';
import { DATATYPES } from './contract';

/** One tensor that a model takes or gives. */
export interface TensorSignature {
  /** Name of the tensor, not empty and unique among the inputs or outputs. */
  readonly name: string;
  /**
   * Data type of the Open Inference Protocol: BOOL, UINT8 to UINT64, INT8 to INT64, FP16, FP32, FP64, BF16 or BYTES
   * (https://github.com/kserve/open-inference-protocol).
   */
  readonly datatype: string;
  /** Length of each dimension, at least one of them: a whole number from 1, or -1 where it varies. */
  readonly shape: number[];
  /**
   * Of an input: the feature that the API looks up and fills in. Clients do not send it and are not told of it. It is FP32 or FP64 of shape
   * [-1], null where the feature is: the protocol has no word for that, so the model must take a JSON null. The columns of the feature's entity
   * are inputs too.
   *
   * @default - clients send the input
   */
  readonly feature?: string;
}

/** What a model takes and gives: requests are checked against it, and `GET /v2/models/{model}` tells it. */
export interface ModelSignature {
  /** Tensors that a request must carry, and no others; at least one. */
  readonly inputs: TensorSignature[];
  /** Tensors that the answer carries. */
  readonly outputs: TensorSignature[];
}

/** Lambda takes 4 KB of environment (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html); this much is for signatures. */
const MAXIMUM_BYTES = 2500;

/** Signatures as the handler reads them. @internal */
export const signaturesJson = (signatures: Record<string, ModelSignature>): string => JSON.stringify(signatures);

/** @internal */
export function signatureProblems(signatures: Record<string, ModelSignature> | undefined): string[] {
  const bytes = signatures === undefined ? 0 : Buffer.byteLength(signaturesJson(signatures));
  const tooLong =
    bytes > MAXIMUM_BYTES
      ? [`'signatures' take ${bytes} bytes of the function's environment, at most ${MAXIMUM_BYTES} fit: leave out those of large models`]
      : [];
  return [
    ...tooLong,
    ...Object.entries(signatures ?? {}).flatMap(([model, { inputs, outputs }]) => [
      ...(inputs.length === 0 ? [`'signatures.${model}.inputs' is empty: name at least one tensor`] : []),
      ...tensorProblems(`signatures.${model}.inputs`, inputs),
      ...tensorProblems(`signatures.${model}.outputs`, outputs),
    ]),
  ];
}

function tensorProblems(at: string, tensors: TensorSignature[]): string[] {
  return tensors.flatMap(({ name, datatype, shape }, i) => [
    ...(name === '' ? [`'${at}[${i}].name' is empty`] : []),
    ...(repeats(tensors, i) ? [`'${at}[${i}].name' repeats '${name}'`] : []),
    ...datatypeProblems(`${at}[${i}].datatype`, datatype),
    ...(shape.length > 0 && shape.every((length) => length === -1 || (Number.isSafeInteger(length) && length >= 1))
      ? []
      : [`'${at}[${i}].shape' must be lengths from 1, or -1 for any, got [${shape.join(', ')}]`]),
  ]);
}

/** Whether the name of a tensor came before. @internal */
export const repeats = (tensors: { name: string }[], index: number): boolean =>
  tensors.findIndex(({ name }) => name === tensors[index].name) < index;

function datatypeProblems(at: string, datatype: string): string[] {
  if (DATATYPES.some((known) => known === datatype)) {
    return [];
  }
  const near = closest(datatype, DATATYPES);
  return [`'${at}' must be a data type, got '${datatype}': ${near ? `did you mean '${near}'?` : `known: ${DATATYPES.join(', ')}`}`];
}

/** Problem when a model cannot give the decision that an objective counts. @internal */
export function decisionProblems(decisionOutput: string, outputs: TensorSignature[]): string[] {
  const output = outputs.find(({ name }) => name === decisionOutput);
  if (output !== undefined) {
    return output.datatype === 'BOOL' ? [] : [`'${decisionOutput}' is ${output.datatype}, but a decision is BOOL`];
  }
  const names = outputs.map(({ name }) => name);
  const near = closest(decisionOutput, names);
  return [`'${decisionOutput}' is no output: ${near ? `did you mean '${near}'?` : `known: ${names.join(', ') || 'none'}`}`];
}
