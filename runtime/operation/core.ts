import { reportKey } from '../../lib/constructs/data/contract';

/** What a person asks for, complete. */
export interface OperationRequest<Selection extends object = object> {
  operation: string;
  dryRun: boolean;
  reason: string;
  requestedBy: string;
  selection: Selection;
}

/** An operation will not be done, for the reason that it says. AWS Step Functions knows it by this name, and does not try the step again. */
export class OperationRefused extends Error {
  override readonly name = 'OperationRefused';
}

/** What the steps of an execution hand on. */
export interface Run<Request extends OperationRequest = OperationRequest> {
  /** Name of the execution. */
  id: string;
  dataset: string;
  startedAt: string;
  request: Request;
}

/** What an operation would do: figures, and the first of the things that it would touch. */
export interface Plan {
  totals: Record<string, number>;
  first: Record<string, unknown>[];
}

/** One thing that was dealt with, as a part of the report lists it. */
export interface Entry {
  outcome: string;
  [fact: string]: unknown;
}

/** How far an operation is. */
export interface Progress {
  done: boolean;
  /** Where the next step goes on. */
  cursor?: string;
  /** Parts of the report so far, and sums over all of their entries. */
  parts: number;
  totals: Record<string, number>;
  /** The first entries with the outcome `failed`. */
  failed: Entry[];
}

export const NOTHING_DONE: Progress = { done: false, parts: 0, totals: {}, failed: [] };

/** Things that a plan lists, and failures that a report lists; the parts list all. */
export const LISTED = 20;

const KNOWN = ['operation', 'dryRun', 'reason', 'requestedBy', 'selection'];

/** What may be asked for, and what is wrong with a selection for it. */
export interface Askable {
  operations: readonly string[];
  selectionProblems: (operation: unknown, selection: Record<string, unknown>) => string[];
}

/** The request in an execution's input. Errors: `OperationRefused` with every problem of it. */
export function requestIn<Request extends OperationRequest>(input: unknown, { operations, selectionProblems }: Askable): Request {
  const given = (typeof input === 'object' && input !== null ? input : {}) as Record<string, unknown>;
  const { operation, dryRun = true, reason = '', requestedBy = '', selection = {} } = given;
  const problems = [
    ...((operations as unknown[]).includes(operation)
      ? []
      : [`'operation' must be one of ${operations.join(', ')}, got ${shown(operation)}`]),
    ...(typeof dryRun === 'boolean' ? [] : [`'dryRun' must be true or false, got ${shown(dryRun)}`]),
    ...textProblems('reason', reason, dryRun === false),
    ...textProblems('requestedBy', requestedBy, dryRun === false),
    ...(typeof selection === 'object' && selection !== null
      ? selectionProblems(operation, selection as Record<string, unknown>)
      : [`'selection' must be an object, got ${shown(selection)}`]),
    ...unknownFields('', given, KNOWN),
  ];
  if (problems.length > 0) {
    throw new OperationRefused(`InvalidOperation: ${problems.join('; ')}`);
  }
  return { operation, dryRun, reason, requestedBy, selection } as Request;
}

function textProblems(name: string, value: unknown, needed: boolean): string[] {
  if (typeof value !== 'string' || value.length > 1000) {
    return [`'${name}' must be a text of at most 1000 characters, got ${shown(value)}`];
  }
  return needed && value.trim() === ''
    ? [`'${name}' must say ${name === 'reason' ? 'why' : 'who asks'}: the report is the audit trail`]
    : [];
}

export const unknownFields = (at: string, given: Record<string, unknown>, known: string[]): string[] =>
  Object.keys(given).flatMap((name) => (known.includes(name) ? [] : [`'${at}${name}' is not known: known are ${known.join(', ')}`]));

export const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 100) ?? 'nothing';

/** Where an operation leaves what: `report.json`, `part-0001.jsonl`, `parked/<message id>.json`. */
export function operationKey(dataset: string, id: string, name: string): string {
  return reportKey(dataset, id).replace('report.json', name);
}

/** Adds entries: one for each outcome, and every number that an entry names. They are one more part unless there are none. */
export function advanced(progress: Progress, entries: readonly Entry[], to: Pick<Progress, 'cursor' | 'done'>): Progress {
  const totals = { ...progress.totals };
  const add = (name: string, value: number) => (totals[name] = (totals[name] ?? 0) + value);
  for (const { outcome, ...facts } of entries) {
    add(outcome, 1);
    Object.entries(facts).forEach(([name, value]) => (typeof value === 'number' ? add(name, value) : undefined));
  }
  const failed = [...progress.failed, ...entries.filter(({ outcome }) => outcome === 'failed')].slice(0, LISTED);
  const { done, cursor } = to;
  const at = cursor === undefined ? { done } : { done, cursor };
  return { ...at, parts: progress.parts + (entries.length === 0 ? 0 : 1), totals, failed };
}
