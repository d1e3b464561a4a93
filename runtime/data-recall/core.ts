import { RECALL_OPERATION } from '../../lib/constructs/delivery/contract';
import { OperationRequest, requestIn, Run, shown, unknownFields } from '../operation/core';

/** What is withdrawn: a file by its object key, in all its versions or in one, or a dataset version by its id. */
export interface Selection {
  thing: string;
  version?: string;
}

export type RecallRequest = OperationRequest<Selection>;
export type RecallRun = Run<RecallRequest>;

/** Whether a thing is a dataset version; everything else is the key of an object. */
export const isVersionId = (thing: string): boolean => /^[0-9a-f]{64}$/.test(thing);

/** Key of the object that a thing names, as such or as `s3://<bucket>/<key>`. */
export const keyOf = (thing: string): string => thing.replace(/^s3:\/\/[^/]+\//, '');

/** The request in an execution's input. Errors: `OperationRefused` with every problem of it. */
export const requestOf = (input: unknown): RecallRequest =>
  requestIn(input, { operations: Object.values(RECALL_OPERATION), selectionProblems: (_, selection) => problemsOf(selection) });

function problemsOf({ thing, version, ...others }: Record<string, unknown>): string[] {
  const isText = typeof thing === 'string' && thing !== '' && Buffer.byteLength(thing) <= 1200;
  return [
    ...(isText ? [] : [`'selection.thing' must be an object key or the id of a dataset version, got ${shown(thing)}`]),
    ...(version === undefined || (typeof version === 'string' && version !== '')
      ? []
      : [`'selection.version' must be the id of an object's version, got ${shown(version)}`]),
    ...(isText && isVersionId(thing) && version !== undefined
      ? ["'selection.version' is for an object: a dataset version is named by its id alone"]
      : []),
    ...unknownFields('selection.', others, ['thing', 'version']),
  ];
}
