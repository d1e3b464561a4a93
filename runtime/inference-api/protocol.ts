import { DATATYPES } from '../../lib/constructs/integration/contract';

/** Open Inference Protocol v2, JSON form (https://github.com/kserve/open-inference-protocol). */

export interface Tensor {
  name: string;
  shape: number[];
  datatype: string;
  data: unknown;
}

export interface InferenceRequest {
  id?: string;
  parameters?: Record<string, unknown>;
  inputs: Tensor[];
}

/** Ids stand in paths and are the `InferenceId` of captured traffic, which Amazon SageMaker limits to 64 characters. */
export const ID = /^[A-Za-z0-9][A-Za-z0-9._:~-]{0,63}$/;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isDatatype = (value: unknown): boolean => DATATYPES.some((datatype) => datatype === value);

/** Every problem of a request body, in words; none means that it follows the protocol. */
export function problemsOf(body: unknown): string[] {
  if (!isObject(body)) {
    return ['the body must be a JSON object'];
  }
  const problems: string[] = [];
  if (body.id !== undefined && !(typeof body.id === 'string' && ID.test(body.id))) {
    problems.push("'id' must be 1 to 64 letters, digits, '.', '_', ':', '~' or '-', starting with a letter or digit");
  }
  if (body.parameters !== undefined && !isObject(body.parameters)) {
    problems.push("'parameters' must be an object");
  }
  if (!Array.isArray(body.inputs) || body.inputs.length === 0) {
    return [...problems, "'inputs' must be a list of at least one tensor"];
  }
  const names = body.inputs.map((input) => (isObject(input) ? input.name : undefined));
  return [...problems, ...body.inputs.flatMap((input, i) => tensorProblems(input, i, names.indexOf(names[i]) < i))];
}

function tensorProblems(input: unknown, index: number, repeated: boolean): string[] {
  const at = `'inputs[${index}]'`;
  if (!isObject(input)) {
    return [`${at} must be an object with name, shape, datatype and data`];
  }
  const problems: string[] = [];
  if (typeof input.name !== 'string' || input.name === '') {
    problems.push(`${at} needs a 'name'`);
  } else if (repeated) {
    problems.push(`${at} repeats the name '${input.name}'`);
  }
  if (!isDatatype(input.datatype)) {
    problems.push(`${at} needs a 'datatype' of ${DATATYPES.join(', ')}`);
  }
  const shape = input.shape;
  if (!Array.isArray(shape) || shape.length === 0 || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    return [...problems, `${at} needs a 'shape' of whole numbers`];
  }
  if (!Array.isArray(input.data)) {
    return [...problems, `${at} needs its 'data' as a list`];
  }
  const [given, expected] = [input.data.flat(Infinity).length, shape.reduce((a: number, b: number) => a * b, 1)];
  return given === expected ? problems : [...problems, `${at} has shape [${shape.join(', ')}] but ${given} values`];
}

/** The answer of a model as the protocol wants it: a JSON object with a list of named outputs; undefined when it is none. */
export function parseAnswer(text: string): { id?: unknown; outputs: Tensor[] } | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    const outputs = isObject(answer) ? answer.outputs : undefined;
    return Array.isArray(outputs) && outputs.every((output) => isObject(output) && typeof output.name === 'string')
      ? (answer as { outputs: Tensor[] })
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Puts the prediction id into an answer. The model's own text stays as it is where possible, because re-writing it would round
 * 64-bit integers.
 */
export function withId(text: string, answer: { id?: unknown }, model: string, id: string): string {
  if (answer.id === id && 'model_name' in answer) {
    return text;
  }
  if ('id' in answer || 'model_name' in answer) {
    return JSON.stringify({ model_name: model, ...answer, id });
  }
  return text.replace(/^\s*\{/, `{"model_name":${JSON.stringify(model)},"id":${JSON.stringify(id)},`);
}

/** What a BOOL output of one element says; 'many' for a batch; undefined when the answer has no such output. */
export function decisionIn(outputs: Tensor[], name: string | undefined): boolean | 'many' | undefined {
  const output = name === undefined ? undefined : outputs.find((candidate) => candidate.name === name);
  if (output === undefined) {
    return undefined;
  }
  const values = Array.isArray(output.data) ? output.data.flat(Infinity) : [];
  if (values.length > 1) {
    return 'many';
  }
  return typeof values[0] === 'boolean' ? values[0] : undefined;
}
