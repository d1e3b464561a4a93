import { DELIVERY_METRIC, namesOf, RELEASES, ReleaseState } from '../../lib/constructs/delivery/contract';
import { approvedParameter } from '../../lib/constructs/models/contract';
import { inAlarm } from './alarms';
import { CHANGING, holdsStill } from './core';
import type { Dependencies } from './handler';
import { approvedVersions, endpointOf } from './registry';
import { readPointer, stackOf, updateStack, writePointer } from './stack';
import { FORWARD, ReleaseTable } from './table';
import type { Action, Observed } from './types';
import { choose, Rules } from './versions';

/** States before an update of the stack, which an alarm that is on may end. */
const BEFORE_UPDATE: (ReleaseState | undefined)[] = [ReleaseState.RECORDED, ReleaseState.RESTORING];

/** What would be decided for the model at this moment; undefined without the lease. */
type Decide = () => Promise<Action | undefined>;

/** Reads everything about one model and carries out one step of it. */
export class Machine {
  private readonly table: ReleaseTable;
  private readonly parameter: string;

  constructor(
    private readonly deps: Dependencies,
    private readonly model: string,
    private readonly execution: string,
    /** Whose stack and endpoint serve it; itself unless it is a variant. */
    private readonly host = model,
  ) {
    this.table = new ReleaseTable(deps.dynamo, deps.table, model, host);
    this.parameter = approvedParameter(deps.prefix, model);
  }

  async observe(leasedAt: number): Promise<Observed> {
    const { deps, table } = this;
    const { stack: stackName, endpoint: endpointName } = namesOf(deps.prefix, this.host);
    const { group } = namesOf(deps.prefix, this.model);
    const isVariant = this.model !== this.host;
    const rules: Rules = { model: this.model, group, artifacts: deps.artifacts, images: deps.images };
    const [stack, found, marks, open, told] = await Promise.all([
      stackOf(deps.stacks, stackName, this.parameter),
      endpointOf(deps.registry, endpointName, isVariant ? group : undefined),
      table.marks(),
      table.open(),
      table.told(),
    ]);
    const absent = isVariant && found?.packageArn === undefined && !CHANGING.includes(found?.status ?? '');
    const endpoint = absent ? undefined : found;
    const variantOf = isVariant ? { endpointExists: found !== undefined } : undefined;
    const live = endpoint?.status === 'InService' ? endpoint.packageArn : undefined;
    const approved = await approvedVersions(deps.registry, rules, marks, live);
    const pointer = await readPointer(deps.parameters, this.parameter);
    const chosen = choose(approved, marks, rules, live);
    const alarming = BEFORE_UPDATE.includes(open?.state) ? await inAlarm(deps.alarms, found?.rollbackAlarms ?? []) : undefined;
    const now = deps.now().getTime();
    return { now, leasedAt, maxWait: deps.maximumWaitMs, ...chosen, pointer, stack, endpoint, variantOf, open, alarming, told };
  }

  /** Every step may come twice: what is done already is not done again. One that comes after the lease is lost is not done at all. */
  async act(next: Action, decide: Decide): Promise<void> {
    if ((await this.table.lease())?.execution !== this.execution) {
      return;
    }
    const changedAt = this.deps.now().toISOString();
    switch (next.action) {
      case 'Record': {
        const entry = `${RELEASES.release}${next.at}#${this.execution.split(':').at(-1)}`;
        return void (await this.table.record(this.execution, entry, next));
      }
      case 'WritePointer':
        return this.point(next, changedAt, decide);
      case 'UpdateStack':
        return this.update(next, changedAt);
      case 'Undo':
        return this.undo(next, changedAt);
      case 'Close':
        return this.close(next, changedAt);
      case 'Stuck':
        return this.stuck(next, changedAt);
      case 'Refuse':
        return this.refuse(next, changedAt);
      case 'Tell':
        return this.table.tell(next.reason, changedAt);
      case 'Rest':
        return this.rest(next.note);
      case 'Wait':
    }
  }

  private async point(next: Extract<Action, { action: 'WritePointer' }>, at: string, decide: Decide): Promise<void> {
    const again = await decide();
    if (again === undefined || !holdsStill(next, () => again)) {
      return;
    }
    if (next.tell !== undefined) {
      await this.table.tell(next.tell, at);
    }
    await writePointer(this.deps.parameters, this.parameter, next.value);
  }

  private async update({ entry, state, alarming }: Extract<Action, { action: 'UpdateStack' }>, changedAt: string): Promise<void> {
    const { stacks, prefix, releaseRole } = this.deps;
    // Written down before it is asked for: after a crash between, nobody could tell any more what was on before.
    if (alarming !== undefined && !(await this.table.change(this.execution, entry, { alarming }))) {
      return;
    }
    // Asked for before it is written down: the other way round, a crash between would look like an update that failed.
    const asked = await updateStack(stacks, namesOf(prefix, this.host).stack, releaseRole, `${entry}#${state}`);
    if (asked === 'accepted' || (asked === 'nothing to update' && (await this.stackFollows()))) {
      await this.table.change(this.execution, entry, { state, changedAt });
    }
  }

  /** A stack with nothing to update while its pointer says something else has not read what was just written: it is asked again. */
  private async stackFollows(): Promise<boolean> {
    const { stacks, parameters, prefix } = this.deps;
    const stack = await stackOf(stacks, namesOf(prefix, this.host).stack, this.parameter);
    return stack?.resolvedPointer === (await readPointer(parameters, this.parameter));
  }

  /** The owner hears of it now, once: the way back may take long. A step that comes twice finds that it has begun. */
  private async undo({ entry, to, outcome, reason, undecided }: Extract<Action, { action: 'Undo' }>, changedAt: string): Promise<void> {
    const failed = outcome === ReleaseState.FAILED;
    const given = { state: ReleaseState.RESTORING, outcome, reason, changedAt };
    const begun = await this.table.change(this.execution, entry, given, failed ? { arn: to, undecided, reason } : undefined, FORWARD);
    if (begun && failed) {
      this.deps.measure(DELIVERY_METRIC.releaseFailed, 1);
    }
  }

  private async close({ entry, state, reason }: Extract<Action, { action: 'Close' }>, changedAt: string): Promise<void> {
    const closed = await this.table.change(this.execution, entry, { state, reason, changedAt });
    if (closed && state === ReleaseState.RELEASED) {
      this.deps.measure(DELIVERY_METRIC.released, 1);
    }
  }

  private async stuck({ entry, mark, reason, undecided }: Extract<Action, { action: 'Stuck' }>, changedAt: string): Promise<void> {
    this.deps.logger.error('release stuck', { model: this.model, reason });
    this.deps.measure(DELIVERY_METRIC.releaseStuck, 1);
    if (entry === undefined) {
      return this.table.tell(reason, changedAt);
    }
    const given = { state: ReleaseState.STUCK, reason, changedAt };
    await this.table.change(this.execution, entry, given, mark === undefined ? undefined : { arn: mark, undecided, reason });
  }

  private async refuse({ version, problems }: Extract<Action, { action: 'Refuse' }>, at: string): Promise<void> {
    const why = problems.join('; ');
    this.deps.logger.error('version refused', { model: this.model, version, why });
    if (await this.table.refuse(this.execution, version, why, at)) {
      this.deps.measure(DELIVERY_METRIC.releaseFailed, 1);
    }
  }

  private async rest(note: string): Promise<void> {
    const told = await this.table.told();
    if (told !== undefined && told !== note) {
      await this.table.clear(RELEASES.told);
    }
    await this.table.clear(RELEASES.failures);
  }
}
