import type { Dependencies } from './handler';
import { Machine } from './machine';
import { modelsOf } from './place';
import { nextOfStack, StackAction } from './stackmates';
import { ReleaseTable } from './table';
import type { Action } from './types';

/** Decides and acts for all models of one serving stack, which is that of `host`; one execution at a time holds its lease. */
export class StackMachine {
  constructor(
    private readonly deps: Dependencies,
    private readonly host: string,
    private readonly execution: string,
  ) {}

  async decide(): Promise<{ next: StackAction; wakes: number }> {
    // Read first: a knock that comes while the rest is read must not be taken for seen.
    const lease = await this.lease();
    const wakes = lease?.wakes ?? 0;
    if (lease?.execution !== this.execution) {
      return { next: { action: 'Rest', note: 'another execution has the lease' }, wakes };
    }
    const next = await this.next(Date.parse(lease.since));
    const { model = this.host, ...decided } = next;
    this.deps.logger.info('decided', { ...decided, model });
    return { next, wakes };
  }

  async act({ beside = [], ...first }: StackAction): Promise<void> {
    for (const { model = this.host, ...action } of [...beside, first]) {
      await this.machineOf(model).act(action, () => this.again(model));
    }
  }

  private async next(leasedAt: number): Promise<StackAction> {
    const models = await modelsOf(this.deps, this.host);
    return nextOfStack(await Promise.all(models.map(async (model) => ({ model, seen: await this.machineOf(model).observe(leasedAt) }))));
  }

  /** What would be decided at this moment, as far as it is for `model`; undefined once the lease is lost. */
  private async again(model: string): Promise<Action | undefined> {
    const lease = await this.lease();
    if (lease?.execution !== this.execution) {
      return undefined;
    }
    const next = await this.next(Date.parse(lease.since));
    return (next.model ?? this.host) === model ? next : { action: 'Rest', note: 'another model comes first now' };
  }

  private lease = () => new ReleaseTable(this.deps.dynamo, this.deps.table, this.host).lease();

  private machineOf = (model: string): Machine => new Machine(this.deps, model, this.execution, this.host);
}
