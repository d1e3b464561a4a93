/** One tensor that a model takes or gives. */
export interface TensorSignature {
  /** Name of the tensor. */
  readonly name: string;
  /** Data type of the Open Inference Protocol, such as `FP64`, `INT64`, `BOOL`, `BYTES`. */
  readonly datatype: string;
  /** Length of each dimension; -1 where it varies. */
  readonly shape: number[];
}

/** What a model takes and gives, told by `GET /v2/models/{model}`. */
export interface ModelSignature {
  /** Tensors that a request must carry. */
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
  return bytes > MAXIMUM_BYTES
    ? [`'signatures' take ${bytes} bytes of the function's environment, at most ${MAXIMUM_BYTES} fit: leave out those of large models`]
    : [];
}
