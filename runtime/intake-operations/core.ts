import { INTAKE_OPERATION } from '../../lib/constructs/data/data-intake/contract';
import type { FileRow } from '../intake/file-row';
import { OperationRequest, requestIn, Run, shown, unknownFields } from '../operation/core';
import { counts } from '../shared/ledger-rows';

/** Which files: those whose key starts so, and with `all` also those that the deployed contract has judged already. */
export interface Selection {
  prefix?: string;
  all?: boolean;
}

/** What a person asks of an intake, complete. */
export type IntakeRequest = OperationRequest<Selection>;

/** An execution on an intake. */
export type IntakeRun = Run<IntakeRequest>;

/** The request in an execution's input. Errors: `OperationRefused` with every problem of it. */
export const requestOf = (input: unknown): IntakeRequest =>
  requestIn(input, { operations: Object.values(INTAKE_OPERATION), selectionProblems });

/** Operations that take no selection, and why. */
const WHOLE: Readonly<Record<string, string>> = {
  [INTAKE_OPERATION.redrive]: 'it replays the whole queue',
  [INTAKE_OPERATION.rebuild]: 'what a row says depends on the others',
};

function selectionProblems(operation: unknown, selection: Record<string, unknown>): string[] {
  const { prefix, all } = selection;
  const whole = WHOLE[String(operation)];
  return [
    ...(prefix === undefined || typeof prefix === 'string' ? [] : [`'selection.prefix' must be a text, got ${shown(prefix)}`]),
    ...(all === undefined || typeof all === 'boolean' ? [] : [`'selection.all' must be true or false, got ${shown(all)}`]),
    ...(whole !== undefined && Object.keys(selection).length > 0 ? [`'selection' must be empty for ${String(operation)}: ${whole}`] : []),
    ...(operation === INTAKE_OPERATION.revalidate && all === true
      ? ["'selection.all' is for rerun: the contract that judged a record would judge it the same"]
      : []),
    ...unknownFields('selection.', selection, ['prefix', 'all']),
  ];
}

/** Whether a row's file is judged again: an accounted file that counts, or for `rerun` also one that was rejected and is still there. */
export function isSelected(row: FileRow, { operation, selection }: IntakeRequest, contract: string): boolean {
  const older = row.contract !== contract || selection.all === true;
  const rejected = operation === INTAKE_OPERATION.rerun && row.state === 'rejected' && !(row.reason ?? '').startsWith('gone');
  return older && row.key.startsWith(selection.prefix ?? '') && (counts(row) || rejected);
}
