import { reportKey } from '../../lib/constructs/data/contract';
import { INTAKE_OPERATION } from '../../lib/constructs/data/data-intake/contract';
import type { FileRow } from '../intake/file-row';
import { counts } from '../shared/ledger-rows';

export type OperationName = (typeof INTAKE_OPERATION)[keyof typeof INTAKE_OPERATION];

/** Which files: those whose key starts so, and with `all` also those that the deployed contract has judged already. */
export interface Selection {
  prefix?: string;
  all?: boolean;
}

/** What a person asks for, complete. */
export interface OperationRequest {
  operation: OperationName;
  dryRun: boolean;
  reason: string;
  requestedBy: string;
  selection: Selection;
}

/** An operation will not be done, for the reason that it says; nothing was changed. AWS Step Functions catches it by this name. */
export class OperationRefused extends Error {
  override readonly name = 'OperationRefused';
}

/** What the steps of an execution hand on. */
export interface Run {
  /** Name of the execution. */
  id: string;
  startedAt: string;
  request: OperationRequest;
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

/** The request in an execution's input. Errors: `OperationRefused` with every problem of it. */
export function requestOf(input: unknown): OperationRequest {
  const given = (typeof input === 'object' && input !== null ? input : {}) as Record<string, unknown>;
  const { operation, dryRun = true, reason = '', requestedBy = '', selection = {} } = given;
  const names = Object.values(INTAKE_OPERATION) as unknown[];
  const problems = [
    ...(names.includes(operation) ? [] : [`'operation' must be one of ${names.join(', ')}, got ${shown(operation)}`]),
    ...(typeof dryRun === 'boolean' ? [] : [`'dryRun' must be true or false, got ${shown(dryRun)}`]),
    ...textProblems('reason', reason, dryRun === false),
    ...textProblems('requestedBy', requestedBy, dryRun === false),
    ...selectionProblems(operation, selection),
    ...unknownFields('', given, KNOWN),
  ];
  if (problems.length > 0) {
    throw new OperationRefused(`InvalidOperation: ${problems.join('; ')}`);
  }
  return { operation, dryRun, reason, requestedBy, selection } as OperationRequest;
}

function textProblems(name: string, value: unknown, needed: boolean): string[] {
  if (typeof value !== 'string' || value.length > 1000) {
    return [`'${name}' must be a text of at most 1000 characters, got ${shown(value)}`];
  }
  return needed && value.trim() === ''
    ? [`'${name}' must say ${name === 'reason' ? 'why' : 'who asks'}: the report is the audit trail`]
    : [];
}

function selectionProblems(operation: unknown, selection: unknown): string[] {
  if (typeof selection !== 'object' || selection === null) {
    return [`'selection' must be an object, got ${shown(selection)}`];
  }
  const { prefix, all } = selection as Record<string, unknown>;
  const empty = Object.keys(selection).length === 0;
  return [
    ...(prefix === undefined || typeof prefix === 'string' ? [] : [`'selection.prefix' must be a text, got ${shown(prefix)}`]),
    ...(all === undefined || typeof all === 'boolean' ? [] : [`'selection.all' must be true or false, got ${shown(all)}`]),
    ...(operation === INTAKE_OPERATION.redrive && !empty ? ["'selection' must be empty for redrive: it replays the whole queue"] : []),
    ...(operation === INTAKE_OPERATION.revalidate && all === true
      ? ["'selection.all' is for rerun: the contract that judged a record would judge it the same"]
      : []),
    ...unknownFields('selection.', selection as Record<string, unknown>, ['prefix', 'all']),
  ];
}

const unknownFields = (at: string, given: Record<string, unknown>, known: string[]) =>
  Object.keys(given).flatMap((name) => (known.includes(name) ? [] : [`'${at}${name}' is not known: known are ${known.join(', ')}`]));

const shown = (value: unknown) => JSON.stringify(value)?.slice(0, 100) ?? 'nothing';

/** Whether a row's file is judged again: an accounted file that counts, or for `rerun` also one that was rejected and is still there. */
export function isSelected(row: FileRow, { operation, selection }: OperationRequest, contract: string): boolean {
  const older = row.contract !== contract || selection.all === true;
  const rejected = operation === INTAKE_OPERATION.rerun && row.state === 'rejected' && !(row.reason ?? '').startsWith('gone');
  return older && row.key.startsWith(selection.prefix ?? '') && (counts(row) || rejected);
}

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
