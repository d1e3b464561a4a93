import { MarkReason, ReleaseState } from '../../../lib/constructs/delivery/contract';
import { LINEAGE, NO_VERSION } from '../../../lib/constructs/models/contract';
import { holdsStill, nextAction } from '../../../runtime/model-release/core';
import { Lease, leaseMove } from '../../../runtime/model-release/lease';
import type { Action, EndpointState, Mark, Observed, Release, StackState, Version } from '../../../runtime/model-release/types';
import { choose, Rules } from '../../../runtime/model-release/versions';

export const RULES: Rules = { model: 'delay', group: 'air-dev-delay', artifacts: 'artifacts', images: ['1.dkr.ecr.eu/sklearn'] };
export const arnOf = (version: number) => `arn:aws:sagemaker:eu-central-1:1:model-package/${RULES.group}/${version}`;
export const versionOf = (version: number, given: Partial<Version> = {}): Version => ({
  arn: arnOf(version),
  version,
  group: RULES.group,
  status: 'Completed',
  metadata: Object.fromEntries(Object.values(LINEAGE).map((key) => [key, 'x'])),
  containers: [{ image: `${RULES.images[0]}:1`, modelDataUrl: 's3://artifacts/delay/training/1/output/model.tar.gz' }],
  ...given,
});

export type Outcome = 'ok' | 'rollback' | 'silent' | 'failed';
interface Execution {
  id: string;
  running: boolean;
  /** What it does next: take the lease, decide, or act on what it decided. */
  phase: 'lease' | 'decide' | 'act' | 'back';
  next?: Action;
  wakes: number;
}
const HOURS = 3_600_000;
const UNDER_WAY: ReleaseState[] = [ReleaseState.RECORDED, ReleaseState.UPDATING, ReleaseState.RESTORING, ReleaseState.RESTORE_UPDATING];

/** Registry, pointer, stack, endpoint, table and executions of one model, as far as a release can tell. */
export class ReleaseWorld {
  now = Date.parse('2026-01-01T00:00:00Z');
  versions: (Version & { approved: boolean })[] = [];
  marks: Mark[] = [];
  rows: Release[] = [];
  pointer: string | undefined = NO_VERSION;
  stack: StackState | undefined = { status: 'CREATE_COMPLETE', resolvedPointer: NO_VERSION };
  endpoint: EndpointState | undefined;
  lease: Lease | undefined;
  told: string | undefined;
  pages: string[] = [];
  executions: Execution[] = [];
  readonly wrongs: string[] = [];
  readonly becameDesired: string[] = [];
  private update: { before: StackState; served: EndpointState | undefined } | undefined;
  private readonly onceLive = new Set<string>();

  constructor(
    /** Whether going back may fail too, so that a person is needed. */
    readonly harsh: boolean,
  ) {}

  // What people and services do.
  register(valid: boolean): void {
    const version = this.versions.length + 1;
    this.versions.push({ ...versionOf(version, valid ? {} : { metadata: {} }), approved: false });
  }
  setApproval(version: number, approved: boolean): void {
    const found = this.versions[version % Math.max(1, this.versions.length)];
    if (found !== undefined) {
      found.approved = approved;
    }
  }
  rollbackTo(index: number): void {
    const to = index % Math.max(1, this.versions.length);
    const above = this.versions.filter(({ approved, version }) => approved && version > to + 1);
    this.marks = this.marks.filter(({ version }) => version !== to + 1);
    above.forEach(({ version }) => this.marks.push({ version, reason: MarkReason.ROLLED_BACK }));
  }
  wake(): void {
    this.executions.push({ id: `e${this.executions.length}`, running: true, phase: 'lease', wakes: 0 });
  }
  kill(index: number): void {
    const running = this.executions.filter((execution) => execution.running);
    if (running.length > 0) {
      running[index % running.length].running = false;
    }
  }
  /** `cdk deploy`: with another template, so that there is always something to do. */
  deploy(): void {
    if (this.stack === undefined || (this.update === undefined && /(_COMPLETE)$/.test(this.stack.status))) {
      this.begin();
    }
  }
  /** An operator repairs a failed rollback: the old values are in force. */
  repair(): void {
    if (this.stack?.status === 'UPDATE_ROLLBACK_FAILED') {
      this.stack.status = 'UPDATE_ROLLBACK_COMPLETE';
    }
  }
  /** The update under way ends. */
  finish(wanted: Outcome): void {
    if (this.update === undefined || this.stack === undefined) {
      return;
    }
    const { before, served } = this.update;
    const { resolvedPointer } = this.stack;
    const back = !this.harsh && (this.onceLive.has(resolvedPointer) || resolvedPointer === NO_VERSION);
    const outcome = back && resolvedPointer !== before.resolvedPointer ? 'ok' : wanted === 'failed' && !this.harsh ? 'rollback' : wanted;
    this.update = undefined;
    this.endpoint = served;
    if (outcome === 'ok') {
      this.stack = { status: 'UPDATE_COMPLETE', resolvedPointer };
      this.serve(resolvedPointer);
    } else if (outcome === 'silent' && served !== undefined) {
      this.stack = { status: 'UPDATE_COMPLETE', resolvedPointer };
    } else {
      const status = outcome === 'failed' ? 'UPDATE_ROLLBACK_FAILED' : 'UPDATE_ROLLBACK_COMPLETE';
      this.stack = { status, resolvedPointer: before.resolvedPointer };
    }
  }
  private serve(pointer: string): void {
    if (pointer === NO_VERSION && this.endpoint !== undefined) {
      this.wrongs.push('the endpoint was deleted');
    }
    this.endpoint = pointer === NO_VERSION ? undefined : { status: 'InService', packageArn: pointer };
    this.onceLive.add(pointer);
  }
  private begin(): boolean {
    if (this.pointer === undefined) {
      return false;
    }
    const before = this.stack ?? { status: 'CREATE_COMPLETE', resolvedPointer: NO_VERSION };
    this.update = { before, served: this.endpoint };
    this.stack = { status: 'UPDATE_IN_PROGRESS', resolvedPointer: this.pointer };
    if (this.pointer !== before.resolvedPointer && this.pointer !== NO_VERSION) {
      this.endpoint = {
        packageArn: this.endpoint?.packageArn ?? this.pointer,
        status: this.endpoint === undefined ? 'Creating' : 'Updating',
      };
    }
    return true;
  }

  // The machine, a step at a time.
  get live(): string | undefined {
    return this.endpoint?.status === 'InService' ? this.endpoint.packageArn : undefined;
  }
  get chosen(): Pick<Observed, 'desired' | 'invalid'> {
    const approved = this.versions.filter((version) => version.approved);
    return choose(approved, this.marks, RULES, this.live);
  }
  noteDesired(): void {
    const desired = this.chosen.desired ?? NO_VERSION;
    if (this.becameDesired.at(-1) !== desired) {
      this.becameDesired.push(desired);
    }
  }
  observe(): Observed {
    const open = this.rows.find(({ state }) => UNDER_WAY.includes(state));
    const { now, pointer, stack, endpoint, told } = this;
    return { now, leasedAt: Date.parse(this.lease!.since), maxWait: 2 * HOURS, ...this.chosen, pointer, stack, endpoint, open, told };
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
    if (!holdsStill(next, () => this.observe())) {
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
        this.mark(next.outcome === ReleaseState.FAILED ? next.to : undefined, MarkReason.FAILED);
        return this.change(next.entry, { state: ReleaseState.RESTORING, outcome: next.outcome });
      case 'Close':
        return this.change(next.entry, { state: next.state });
      case 'Stuck':
        this.pages.push(next.reason);
        this.mark(next.mark, MarkReason.FAILED);
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
    Object.assign(row, given, { changedAt: new Date(this.now).toISOString() });
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
