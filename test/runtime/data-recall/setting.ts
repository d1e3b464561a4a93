import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { LINEAGE } from '../../../lib/constructs/models/contract';
import { makeHandler, RecallDependencies } from '../../../runtime/data-recall/handler';
import type { RecallRequest } from '../../../runtime/data-recall/core';
import type { AffectedModel } from '../../../runtime/data-recall/models';
import { descriptionOf } from '../../../runtime/shared/run-version';
import type { Begun, Outcome } from '../../../runtime/operation/steps';
import { FakeDynamoDb } from '../../support/fake-dynamodb';
import { builderOf, CATALOGUE } from '../dataset-builder/setting';
import { SIMPLE, simpleFile } from '../intake/simple-files';
import { BUCKETS, TABLE, World } from '../intake/world';

type Command = { constructor: { name: string }; input: Record<string, unknown> };
export type Recalled = Outcome & { models: AffectedModel[] };

export const arnOf = (version: number) => `arn:aws:sagemaker:us-east-1:1:model-package/air-dev-delay/${version}`;
const at = (hour: number) => `2026-03-01T0${hour}:00:00Z`;
const ATTEMPTS = 6;
const READS = /^(Get|Scan|Query|List|Describe)/;

/**
 * A real ledger and catalogue with a registry: versions 1 and 4 were trained on clean data, 2 and 3 on data with the file `b`; 3 serves. Versions can
 * be queried.
 */
export class Setting {
  readonly world = new World(SIMPLE);
  readonly releases = new FakeDynamoDb(['model', 'entry']);
  readonly approvals = new Map<number, { approval: string; dataset: string; description?: string; told?: string }>();
  readonly predictions = [
    { key: 'delay/early', model: 'delay', id: 'early', madeAt: '2026-03-01T01:00:00Z' },
    { key: 'delay/late', model: 'delay', id: 'late', madeAt: '2026-03-01T05:00:00Z' },
    { key: 'other/late', model: 'other', id: 'late', madeAt: '2026-03-01T05:00:00Z' },
    { key: 'delay/amid', model: 'delay', id: 'amid', madeAt: '2026-03-01T03:30:00Z' },
  ];
  live = 3;
  replayed = false;
  /** Called before each call; may throw. */
  before: (name: string) => unknown = () => undefined;
  /** Calls that change something, each with what it changes. */
  readonly writes: string[] = [];
  readonly described: number[] = [];
  private executions = 0;
  private readonly rows = [
    { model: 'delay', entry: 'release#1', state: 'released', from: 'none', to: arnOf(1), startedAt: at(0), changedAt: at(0) },
    { model: 'delay', entry: 'release#2', state: 'released', from: arnOf(1), to: arnOf(3), startedAt: at(3), changedAt: at(4) },
  ];

  static async make(): Promise<Setting> {
    const made = new Setting();
    await made.send('a');
    const clean = await made.build();
    await made.send('b');
    const dirty = await made.build();
    [clean.id, dirty.id, dirty.id, clean.id].forEach((dataset, i) => made.approvals.set(i + 1, { approval: 'Approved', dataset }));
    made.approvals.get(4)!.approval = 'PendingManualApproval';
    return made;
  }

  get builder() {
    return builderOf(this.world, undefined, undefined, undefined, { query: 'contract-1' });
  }

  build = () => this.builder.build({ dataset: 'simple' });

  async send(seed: string, key = seed): Promise<string> {
    const object = this.world.send(`simple/${key}.csv`, simpleFile(seed));
    await this.world.attempt(object);
    this.world.pass(60);
    return object.versionId;
  }

  /** The machine, and that a refusal is final. Errors: an execution that fails. `remaining`: time of each step. */
  async withdraw(selection: RecallRequest['selection'], over: Partial<RecallRequest> = {}, remaining?: () => number): Promise<Recalled> {
    const id = `execution-${++this.executions}`;
    const step = makeHandler(this.deps());
    const input = { operation: 'withdraw', dryRun: false, reason: 'wrong sensor', requestedBy: 'anna', selection, ...over };
    const begun = (await this.tried(() => step({ action: 'Begin', id, input }, remaining))) as Begun<RecallRequest>;
    for (let done = begun.run.request.dryRun; !done;) {
      ({ done } = (await this.tried(() => step({ action: 'Work', begun }, remaining))) as { done: boolean });
    }
    return (await this.tried(() => step({ action: 'Report', begun }, remaining))) as Recalled;
  }

  private async tried<T>(step: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await step();
      } catch (error) {
        if ((error as Error).name === 'OperationRefused' || attempt === ATTEMPTS) {
          throw error;
        }
      }
    }
  }

  private deps(): RecallDependencies {
    const { world, releases } = this;
    const tables = async (command: Command) => {
      const { TableName } = command.input;
      const changed = JSON.stringify(command.input.Key ?? command.input.Item ?? command.input.TransactItems);
      await this.called(command.constructor.name, `${String(TableName)} ${changed}`);
      if (TableName === 'predictions') {
        return this.page(command.input.ExclusiveStartKey as { key: string } | undefined);
      }
      if (command.constructor.name === 'QueryCommand') {
        return releases.client
          .send(command as never)
          .then((found) => ({ Items: [...this.rows, ...((found as never as { Items: [] }).Items ?? [])] }));
      }
      return (TableName === 'releases' ? releases : world.db).client.send(command as never);
    };
    const registry = async (command: Command) => {
      await this.called(command.constructor.name, String(command.input.ModelPackageArn));
      return this.registry(command.constructor.name, command.input as Record<string, string>);
    };
    const objects = async (command: Command) => {
      await this.called(command.constructor.name, String(command.input.Key));
      return world.s3.client.send(command as never);
    };
    return {
      ...{ ledgers: { simple: TABLE }, catalogue: CATALOGUE, validatedBucket: BUCKETS.validated },
      delivery: { prefix: 'air-dev', releases: 'releases' },
      predictions: { table: 'predictions', replayed: this.replayed },
      s3: over(world.s3.client, objects),
      dynamo: over(world.db.client, tables),
      registry: Object.assign(Object.create(SageMakerClient.prototype) as SageMakerClient, { send: registry }),
      now: () => world.at,
      pause: () => Promise.resolve(),
    };
  }

  private async called(name: string, what: string): Promise<void> {
    await this.before(name);
    if (!READS.test(name)) {
      this.writes.push(`${name} ${what}`);
    }
  }

  /** One prediction a page. */
  private page(start: { key: string } | undefined): object {
    const next = start === undefined ? 0 : this.predictions.findIndex(({ key }) => key === start.key) + 1;
    const more = next + 1 < this.predictions.length;
    return { Items: [this.predictions[next]], ...(more ? { LastEvaluatedKey: { key: this.predictions[next].key } } : {}) };
  }

  private registry(name: string, input: Record<string, string>): object {
    const number = Number((input.ModelPackageName ?? input.ModelPackageArn ?? '').split('/').at(-1));
    switch (name) {
      case 'ListModelPackageGroupsCommand':
        return {
          ModelPackageGroupSummaryList: ['air-dev-delay', 'air-dev-other', 'my-air-dev-x'].map((ModelPackageGroupName) => ({
            ModelPackageGroupName,
          })),
        };
      case 'ListModelPackagesCommand':
        return {
          ModelPackageSummaryList: (input.ModelPackageGroupName === 'air-dev-delay' ? [...this.approvals] : []).map(
            ([version, { approval, dataset, told = descriptionOf('0'.repeat(64), dataset) }]) => ({
              ...{ ModelPackageArn: arnOf(version), ModelPackageVersion: version, ModelApprovalStatus: approval },
              ModelPackageDescription: told,
            }),
          ),
        };
      case 'DescribeModelPackageCommand':
        this.described.push(number);
        return { CustomerMetadataProperties: { [LINEAGE.dataset]: this.approvals.get(number)!.dataset } };
      case 'UpdateModelPackageCommand':
        Object.assign(this.approvals.get(number)!, { approval: input.ModelApprovalStatus, description: input.ApprovalDescription });
        return {};
      case 'DescribeEndpointCommand':
        return { EndpointStatus: 'InService', EndpointConfigName: 'config' };
      case 'DescribeEndpointConfigCommand':
        return { ProductionVariants: [{ ModelName: 'model' }] };
      case 'DescribeModelCommand':
        return { PrimaryContainer: { ModelPackageName: arnOf(this.live) } };
      default:
        throw new Error(`the registry does not know ${name}`);
    }
  }

  status = (): string[] => [...this.approvals.values()].map(({ approval }) => approval);
  marks = (): Record<string, unknown> =>
    Object.fromEntries(this.releases.items<{ entry: string; reason: string }>('releases').map(({ entry, reason }) => [entry, reason]));
  versions = () => this.world.db.items<{ id: string; withdrawal?: string }>(CATALOGUE);
  /** Ids of dataset versions that a query finds. */
  queried = (): string[] =>
    this.world.s3.current(BUCKETS.validated).flatMap(({ key }) => /dataset_version=([0-9a-f]{64})\//.exec(key)?.[1] ?? []);

  /** Everything that a withdrawal decides, without who, when and the books of the operations. */
  state() {
    return {
      files: this.world.rows().map(({ key, versionId, withdrawal }) => [key, versionId, withdrawal !== undefined]),
      versions: this.versions().map(({ id, withdrawal }) => [id, withdrawal !== undefined]),
      ...{ queried: this.queried(), status: this.status(), marks: this.marks() },
    };
  }
}

/** A client of the same class that answers otherwise. */
const over = <T extends object>(client: T, send: (command: never) => unknown): T =>
  Object.assign(Object.create(Object.getPrototypeOf(client)) as T, { send });
