import { MarkReason } from '../../../lib/constructs/delivery/contract';
import { LINEAGE, NO_VERSION } from '../../../lib/constructs/models/contract';
import type { Lease } from '../../../runtime/model-release/lease';
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
  containers: [{ image: `${RULES.images[0]}:1`, modelDataUrl: 's3://artifacts/versions/delay/r/1/model.tar.gz' }],
  ...given,
});

export type Outcome = 'ok' | 'rollback' | 'silent' | 'failed';
export interface Execution {
  id: string;
  running: boolean;
  /** What it does next: take the lease, decide, or act on what it decided. */
  phase: 'lease' | 'decide' | 'act' | 'back';
  next?: Action;
  wakes: number;
}

/** Registry, pointer, stack, endpoint and table of one model, and what people and services do to them. */
export class Services {
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
  /** Whether an alarm that rolls deployments back is on: it watches the fleet of the configuration that the stack names. */
  alarm = false;
  /** Releases whose update was decided while the alarm was on. */
  readonly underAlarm = new Set<string>();
  /** Versions whose mark a person took away. */
  readonly unmarked: number[] = [];
  /** Releases that the owner was told of because their way back began. */
  readonly heard: string[] = [];
  protected update: { before: StackState; served: EndpointState | undefined } | undefined;
  protected readonly onceLive = new Set<string>();

  constructor(
    /** Whether going back may fail too, so that a person is needed. */
    readonly harsh: boolean,
  ) {}

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
    this.unmarked.push(...this.marks.filter(({ version }) => version === to + 1).map(({ version }) => version));
    this.marks = this.marks.filter(({ version }) => version !== to + 1);
    above.forEach(({ version }) => this.marks.push({ version, reason: MarkReason.ROLLED_BACK }));
  }
  /** The fleet that the alarm watches fails, or does no longer; one that is not there cannot. */
  setAlarm(on: boolean): void {
    this.alarm = on && this.live !== undefined && this.live === this.stack?.resolvedPointer;
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
    // Another fleet is watched, or one that is gone; after a rollback it is the old one again.
    this.alarm = this.alarm && outcome !== 'ok' && outcome !== 'silent';
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
  protected begin(): boolean {
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
  get live(): string | undefined {
    return this.endpoint?.status === 'InService' ? this.endpoint.packageArn : undefined;
  }
  get chosen(): Pick<Observed, 'desired' | 'invalid'> {
    const approved = this.versions.filter((version) => version.approved);
    return choose(approved, this.marks, RULES, this.live);
  }
}
