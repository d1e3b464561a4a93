import { MarkReason, ReleaseState } from '../../../lib/constructs/delivery/contract';
import { NO_VERSION } from '../../../lib/constructs/models/contract';
import { holdsStill, nextAction } from '../../../runtime/model-release/core';
import { leaseMove } from '../../../runtime/model-release/lease';
import type { Action, Observed, Release } from '../../../runtime/model-release/types';
import { Execution, Services } from './services';

const HOURS = 3_600_000;
const UNDER_WAY: ReleaseState[] = [ReleaseState.RECORDED, ReleaseState.UPDATING, ReleaseState.RESTORING, ReleaseState.RESTORE_UPDATING];

/** The same world with the machine in it, a step at a time. */
export class ReleaseWorld extends Services {
  noteDesired(): void {
    const desired = this.chosen.desired ?? NO_VERSION;
    if (this.becameDesired.at(-1) !== desired) {
      this.becameDesired.push(desired);
    }
  }
  observe(): Observed {
    const open = this.rows.find(({ state }) => UNDER_WAY.includes(state));
    const { now, pointer, stack, endpoint, told } = this;
    const alarming = this.alarm ? ['errors'] : [];
    const leasedAt = Date.parse(this.lease!.since);
    return { now, leasedAt, maxWait: 2 * HOURS, ...this.chosen, pointer, stack, endpoint, open, alarming, told };
  }
  /** One step of one execution; `half` kills it between the two effects of a step that has two. */
  step(index: number, half = false): void {
    const running = this.executions.filter((execution) => execution.running);
    const me = running[index % Math.max(1, running.length)];
    if (me === undefined) {
      return;
    }
    this.now += 1000;
    if (me.phase === 'lease') {
      this.takeLease(me);
    } else if (me.phase === 'decide') {
      me.wakes = this.lease!.wakes;
      me.next = nextAction(this.observe());
      this.judge(me.next);
      me.phase = 'act';
    } else if (me.phase === 'back') {
      me.running = this.lease!.wakes !== me.wakes;
      me.phase = 'decide';
      this.lease = me.running ? this.lease : undefined;
    } else {
      me.phase = ['Rest', 'Tell', 'Stuck'].includes(me.next!.action) ? 'back' : 'decide';
      this.act(me, me.next!, half);
    }
  }
  /** What no decision may be, by what is true when it is made. */
  private judge(next: Action): void {
    const [{ desired }, open] = [this.chosen, this.rows.find(({ state }) => UNDER_WAY.includes(state))];
    const inForce: (string | undefined)[] = [desired, this.stack?.resolvedPointer, this.endpoint?.packageArn, open?.from];
    if (next.action === 'WritePointer' && !inForce.includes(next.value)) {
      this.wrongs.push(`the pointer becomes ${next.value}, which is neither desired nor in force`);
    }
    if (next.action === 'UpdateStack' && next.state === ReleaseState.UPDATING && this.alarm) {
      this.underAlarm.add(next.entry);
    }
    if (next.action === 'Record' && this.live !== undefined && next.from !== this.live) {
      this.wrongs.push(`${this.live} serves, but the way back is ${next.from}`);
    }
  }
  private takeLease(me: Execution): void {
    const holder = this.executions.find(({ id }) => id === this.lease?.execution);
    const move = leaseMove(this.lease, me.id, holder?.running ?? false);
    if (move === 'knock') {
      this.lease!.wakes += 1;
      me.running = false;
      return;
    }
    this.lease = { execution: me.id, wakes: this.lease?.wakes ?? 0, since: new Date(this.now).toISOString() };
    me.phase = 'decide';
  }
  private act(me: Execution, next: Action, half: boolean): void {
    if (this.lease?.execution !== me.id) {
      this.wrongs.push(`${me.id} acts without the lease`);
    }
    if (!holdsStill(next, () => nextAction(this.observe()))) {
      return;
    }
    switch (next.action) {
      case 'Record':
        return this.record(next);
      case 'WritePointer':
        this.told = next.tell ?? this.told;
        return this.writePointer(next.value);
      case 'UpdateStack':
        return this.updateStack(me, next, half);
      case 'Undo':
        return this.undo(next);
      case 'Close':
        return this.change(next.entry, { state: next.state });
      case 'Stuck':
        this.pages.push(next.reason);
        this.blame(next.entry, next.mark, next.undecided);
        return next.entry === undefined ? undefined : this.change(next.entry, { state: ReleaseState.STUCK });
      case 'Refuse':
        return this.mark(next.arn, MarkReason.REFUSED);
      case 'Tell':
        this.told = next.reason;
        return;
      case 'Wait':
        this.now += 15_000;
    }
  }
  private undo({ entry, to, outcome, undecided }: Extract<Action, { action: 'Undo' }>): void {
    if (outcome === ReleaseState.FAILED) {
      this.blame(entry, to, undecided);
      this.heard.push(entry);
    }
    this.change(entry, { state: ReleaseState.RESTORING, outcome });
  }
  private blame(entry: string | undefined, arn: string | undefined, undecided = false): void {
    if (arn !== undefined && undecided !== this.underAlarm.has(entry!)) {
      this.wrongs.push(undecided ? `${arn} is excused for no reason` : `${arn} is blamed, but an alarm was on before its release`);
    }
    this.mark(arn, undecided ? MarkReason.UNDECIDED : MarkReason.FAILED);
  }
  private record({ from, to, at }: Extract<Action, { action: 'Record' }>): void {
    if (this.rows.some(({ state }) => UNDER_WAY.includes(state))) {
      this.wrongs.push('two releases are open');
    }
    this.rows.push({ entry: `release#${this.rows.length}`, state: ReleaseState.RECORDED, from, to, changedAt: at });
  }
  private writePointer(value: string): void {
    if (value === NO_VERSION && this.pointer !== undefined && this.live !== undefined && this.live === this.pointer) {
      this.wrongs.push(`none over ${this.pointer}, which serves`);
    }
    if (
      value === NO_VERSION &&
      this.onceLive.has(this.pointer ?? NO_VERSION) &&
      this.pointer !== NO_VERSION &&
      this.pointer !== undefined
    ) {
      this.wrongs.push(`none over ${this.pointer}, which served`);
    }
    this.pointer = value;
  }
  private updateStack(me: Execution, next: Extract<Action, { action: 'UpdateStack' }>, half: boolean): void {
    if (this.update !== undefined || !/_COMPLETE$/.test(this.stack!.status)) {
      return; // "is in UPDATE_IN_PROGRESS state and can not be updated"
    }
    if (this.pointer === undefined) {
      me.running = false; // the parameter cannot be resolved: the execution fails, and its end wakes the next
      return this.wake();
    }
    if (next.alarming !== undefined) {
      this.change(next.entry, { alarming: next.alarming });
    }
    if (this.pointer !== this.stack!.resolvedPointer) {
      this.begin();
    }
    if (half) {
      me.running = false;
    } else {
      this.change(next.entry, { state: next.state });
    }
  }
  private change(entry: string, given: Partial<Release>): void {
    const row = this.rows.find((candidate) => candidate.entry === entry)!;
    Object.assign(row, given, given.state === undefined ? {} : { changedAt: new Date(this.now).toISOString() });
  }
  private mark(arn: string | undefined, reason: MarkReason): void {
    const found = this.versions.find((version) => version.arn === arn);
    if (found !== undefined) {
      this.marks.push({ version: found.version, reason });
    }
  }

  /** All executions run to their end, and updates end well; then one wake comes. */
  quieten(): void {
    for (const again of [false, true]) {
      this.pages = again ? [] : this.pages;
      this.wake();
      for (let steps = 0; this.executions.some(({ running }) => running); steps++) {
        if (steps > 2000) {
          throw new Error('the machine does not come to rest');
        }
        this.step(steps);
        this.noteDesired();
        if (steps % 7 === 0) {
          this.finish('ok');
        }
      }
    }
  }
}
