import { nextAction } from './core';
import type { Action, Observed } from './types';

/** One model of a serving stack, as it is seen now. */
export interface Seen {
  readonly model: string;
  readonly seen: Observed;
}

/** A step of one model of a stack. */
export type OwnAction = Action & {
  /** Whose it is; absent for the model of the endpoint itself. */
  model?: string;
};

/** The next step of a stack. */
export type StackAction = OwnAction & {
  /** Steps of other models that are done with it: they change nothing but what is written down. */
  beside?: OwnAction[];
};

/** From the one that a person must hear of to the one that says that all is well. */
const ENDS = ['Stuck', 'Tell', 'Rest'];

/**
 * The one step that brings a stack nearer to what is desired of all its models; a pure function of what is seen now. An update of the stack reads
 * every pointer anew, so its models are released one after another, and an update for one of them finds the pointers of the others as the stack
 * has them: nothing is released that was not recorded, and nothing unverified goes along.
 */
export function nextOfStack(models: readonly Seen[]): StackAction {
  const all = models.map((one) => ({ ...one, next: nextAction(one.seen) }));
  const [host] = models;
  const own = (model: string, next: Action): OwnAction => (model === host.model ? next : { ...next, model });
  // What is under way is ended before anything begins.
  const ordered = [...all.filter(({ seen }) => seen.open !== undefined), ...all.filter(({ seen }) => seen.open === undefined)];
  const going = ordered.find(({ next }) => !ENDS.includes(next.action));
  if (going === undefined) {
    const [first, ...others] = all.sort((a, b) => ENDS.indexOf(a.next.action) - ENDS.indexOf(b.next.action));
    return together(
      own(first.model, first.next),
      others.map(({ model, next }) => own(model, next)),
    );
  }
  const strayed = going.next.action === 'UpdateStack' ? all.find((one) => one !== going && strays(one.seen)) : undefined;
  if (strayed !== undefined) {
    return own(strayed.model, bringBack(strayed.seen, strayed.next));
  }
  // A release that cannot go on is written down now: the next one begins.
  const closing = all.filter(({ next }) => next.action === 'Stuck' && next.entry !== undefined);
  return together(
    own(going.model, going.next),
    closing.map(({ model, next }) => own(model, next)),
  );
}

const together = (first: OwnAction, beside: OwnAction[]): StackAction => (beside.length === 0 ? first : { ...first, beside });

const strays = ({ stack, pointer }: Observed): boolean => pointer !== stack?.resolvedPointer;

/** Somebody wrote a pointer by hand, or a release ended stuck: only a release of that model may bring its value to the stack. */
function bringBack({ stack, pointer, open }: Observed, next: Action): Action {
  if (pointer === undefined) {
    return next; // it is restored, or a person is called
  }
  const value = stack!.resolvedPointer;
  return {
    action: 'WritePointer',
    value,
    ...(open === undefined
      ? { tell: `the pointer named ${pointer}, which is not deployed: it names ${value} again for another release` }
      : {}),
  };
}
