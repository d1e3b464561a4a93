import { join } from 'node:path';
import { DescribeStacksCommand, paginateDescribeStackEvents } from '@aws-sdk/client-cloudformation';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import {
  CreateModelPackageCommand,
  ModelApprovalStatus,
  paginateListModelPackages,
  UpdateModelPackageCommand,
} from '@aws-sdk/client-sagemaker';
import { ListExecutionsCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetParameterCommand, GetParameterHistoryCommand } from '@aws-sdk/client-ssm';
import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import { namesOf, RELEASES } from '../../lib/constructs/delivery/contract';
import { approvedParameter, LINEAGE, NO_VERSION, VERSIONS_PREFIX } from '../../lib/constructs/models/contract';
import { filesOf, packFolder } from '../../lib/constructs/models/archive';
import type { Clients } from '../../local/start/clients';
import { livePackage } from '../../local/start/live-package';
import { ROOT, until } from './programs';

const PACKAGE = join(ROOT, 'examples/flight-delays/model/package');

/** A row of the release table. */
export interface ReleaseRow {
  entry: string;
  state?: string;
  from?: string;
  to?: string;
  reason?: string;
  /** How it was to end once `from` serves again. */
  outcome?: string;
  /** Who holds the lease. */
  execution?: string;
}

/** How a version differs from a good one. */
export interface Registration {
  readonly group?: string;
  readonly prefix?: string;
  readonly approval?: ModelApprovalStatus;
  readonly lineage?: boolean;
  /** Bucket of the artefact; the artefact is put there only when it is ours. */
  readonly bucket?: string;
  readonly image?: string;
  /** Bytes of the artefact. */
  readonly archive?: Buffer;
}

/** What the fault tests see of a deployed workload and do to it: one model, its registry, pointer, stack, endpoint and release table. */
export class ReleaseWorld {
  public readonly names: ReturnType<typeof namesOf>;
  public readonly parameter: string;
  private readonly archive = packFolder(PACKAGE, filesOf(PACKAGE)).bytes;
  private registered = 0;

  constructor(
    public readonly clients: Clients,
    public readonly outputs: Record<string, string>,
    public readonly prefix: string,
    public readonly model: string,
  ) {
    this.names = namesOf(prefix, model);
    this.parameter = approvedParameter(prefix, model);
  }

  /** Registers a version with an artefact of its own and returns its ARN. */
  public async register({
    group = this.names.group,
    prefix = `${VERSIONS_PREFIX}${this.model}`,
    approval = 'PendingManualApproval',
    lineage = true,
    bucket: Bucket = this.outputs.ArtifactBucket,
    image = this.outputs.InferenceImage ?? IMAGE,
    archive = this.archive,
  }: Registration = {}): Promise<string> {
    const Key = `${prefix}/test-${++this.registered}/output/model.tar.gz`;
    if (Bucket === this.outputs.ArtifactBucket) {
      await this.clients.s3.send(new PutObjectCommand({ Bucket, Key, Body: archive }));
    }
    const metadata = Object.fromEntries(Object.values(LINEAGE).map((name) => [name, `test-${this.registered}`]));
    const { ModelPackageArn } = await this.clients.sageMaker.send(
      new CreateModelPackageCommand({
        ModelPackageGroupName: group,
        ModelApprovalStatus: approval,
        CustomerMetadataProperties: lineage ? metadata : undefined,
        InferenceSpecification: {
          Containers: [{ Image: image, ModelDataUrl: `s3://${Bucket}/${Key}`, Environment: SCRIPT_MODE }],
          SupportedContentTypes: ['application/json'],
          SupportedResponseMIMETypes: ['application/json'],
        },
      }),
    );
    return ModelPackageArn!;
  }

  public async approve(arn: string, status: ModelApprovalStatus = 'Approved'): Promise<void> {
    await this.clients.sageMaker.send(new UpdateModelPackageCommand({ ModelPackageArn: arn, ModelApprovalStatus: status }));
  }

  public async pointer(): Promise<string | undefined> {
    try {
      return (await this.clients.ssm.send(new GetParameterCommand({ Name: this.parameter }))).Parameter?.Value;
    } catch {
      return undefined;
    }
  }

  /** Every value that the pointer ever had, oldest first. */
  public async pointerHistory(): Promise<string[]> {
    const { Parameters = [] } = await this.clients.ssm.send(new GetParameterHistoryCommand({ Name: this.parameter }));
    return Parameters.map(({ Value }) => Value!);
  }

  /** The package that the endpoint serves; undefined without an endpoint. */
  public live = (): Promise<string | undefined> => livePackage(this, this.model);

  public async stackStatus(): Promise<string | undefined> {
    const { Stacks } = await this.clients.cloudFormation.send(new DescribeStacksCommand({ StackName: this.names.stack }));
    return Stacks?.[0].StackStatus;
  }

  /** How often each version was released. */
  public async released(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { to, state } of (await this.rows()).filter(({ entry }) => entry.startsWith(RELEASES.release))) {
      counts[to!] = (counts[to!] ?? 0) + (state === 'released' ? 1 : 0);
    }
    return counts;
  }

  /** Every approved version of the model, whatever its marks. */
  public async approved(): Promise<string[]> {
    const found: string[] = [];
    const pages = paginateListModelPackages(
      { client: this.clients.sageMaker },
      { ModelPackageGroupName: this.names.group, ModelApprovalStatus: 'Approved' },
    );
    for await (const { ModelPackageSummaryList = [] } of pages) {
      found.push(...ModelPackageSummaryList.map(({ ModelPackageArn }) => ModelPackageArn!));
    }
    return found;
  }

  /** Errors: the version has no mark of that reason. */
  public async marked(arn: string, reason: string): Promise<void> {
    const found = (await this.rows()).find(({ entry }) => this.marks(entry, arn));
    if (found?.reason !== reason) {
      throw new Error(`the mark of ${arn} says ${found?.reason}, expected ${reason}`);
    }
  }

  public marks = (entry: string, arn: string): boolean => entry === `${RELEASES.mark}${arn.split('/').at(-1)!.padStart(6, '0')}`;

  /** The newest release of a version. */
  public async releaseOf(arn: string): Promise<ReleaseRow | undefined> {
    return (await this.rows()).filter(({ entry, to }) => entry.startsWith(RELEASES.release) && to === arn).at(-1);
  }

  /** Waits until the release of a version is in a state, or beyond. */
  public async releasing(arn: string, state: string): Promise<void> {
    const states = ['recorded', 'updating'];
    await until(`a release of ${arn} that is ${state}`, 60, async () => {
      const found = (await this.releaseOf(arn))?.state;
      return found !== undefined && (found === state || !states.slice(0, states.indexOf(state)).includes(found)) ? true : undefined;
    });
  }

  /** Waits until the release of a version is over, however it ended. */
  public async ended(arn: string, seconds = 120): Promise<void> {
    await until(`the end of the release of ${arn}`, seconds, async () => {
      const row = await this.releaseOf(arn);
      return row !== undefined && !OPEN.has(row.state ?? '') ? true : undefined;
    });
    await this.quiet(seconds);
  }

  /** Errors: the owner was not told that. */
  public async toldOf(pattern: RegExp): Promise<void> {
    const told = (await this.rows()).find(({ entry }) => entry === RELEASES.told)?.reason ?? 'nothing';
    if (!pattern.test(told)) {
      throw new Error(`the owner was told ${told}, expected ${pattern}`);
    }
  }

  /** Updates that the serving stack has begun so far. */
  public async updates(): Promise<number> {
    let count = 0;
    for await (const { StackEvents = [] } of paginateDescribeStackEvents(
      { client: this.clients.cloudFormation },
      { StackName: this.names.stack },
    )) {
      count += StackEvents.filter(
        ({ ResourceStatus, LogicalResourceId }) => ResourceStatus === 'UPDATE_IN_PROGRESS' && LogicalResourceId === this.names.stack,
      ).length;
    }
    return count;
  }

  public async rows(): Promise<ReleaseRow[]> {
    const rows: ReleaseRow[] = [];
    const query = {
      TableName: this.outputs.ReleaseTable,
      ConsistentRead: true,
      KeyConditionExpression: '#m = :m',
      ExpressionAttributeNames: { '#m': RELEASES.key },
      ExpressionAttributeValues: { ':m': this.model },
    };
    for await (const { Items = [] } of paginateQuery({ client: this.clients.dynamo }, query)) {
      rows.push(...(Items as ReleaseRow[]));
    }
    return rows;
  }

  public wake = (input: object = { model: this.model }) =>
    this.clients.sfn.send(new StartExecutionCommand({ stateMachineArn: this.outputs.ReleaseMachine, input: JSON.stringify(input) }));

  public async running(): Promise<string[]> {
    const { executions = [] } = await this.clients.sfn.send(
      new ListExecutionsCommand({ stateMachineArn: this.outputs.ReleaseMachine, statusFilter: 'RUNNING' }),
    );
    return executions.map(({ executionArn }) => executionArn!);
  }

  /** Waits until no execution runs, twice in a row, and the stack is settled. */
  public async quiet(seconds = 120): Promise<void> {
    let calm = 0;
    await until('a quiet release machine', seconds, async () => {
      const settled = (await this.running()).length === 0 && /_COMPLETE$|_FAILED$/.test((await this.stackStatus()) ?? '');
      calm = settled ? calm + 1 : 0;
      return calm >= 3 ? true : undefined;
    });
  }

  /** Waits until the endpoint serves a version, and nothing is under way any more. */
  public async served(arn: string, seconds = 120): Promise<void> {
    await until(`${arn} on the endpoint`, seconds, async () => ((await this.live()) === arn ? true : undefined));
    await this.quiet(seconds);
  }

  /** What must hold whenever the machine is quiet, whatever was done to it; each as a problem. */
  public async problems(desired: string | undefined): Promise<string[]> {
    const [pointer, live, history, rows] = await Promise.all([this.pointer(), this.live(), this.pointerHistory(), this.rows()]);
    const releases = rows.filter(({ entry }) => entry.startsWith(RELEASES.release));
    const told = releases.at(-1)?.state === 'stuck' || rows.some(({ entry }) => entry === RELEASES.told);
    const open = releases.filter(({ state }) => OPEN.has(state ?? ''));
    const leased = rows.filter(({ entry, execution }) => entry === RELEASES.lease && execution !== undefined);
    const lost = history.filter((value, i) => value === NO_VERSION && i > 0 && history[i - 1] !== NO_VERSION);
    return [
      ...(live === desired || told ? [] : [`live is ${live}, desired is ${desired}`]),
      ...(pointer === (live ?? NO_VERSION) || told ? [] : [`the pointer says ${pointer}, live is ${live}`]),
      ...leased.map(({ execution }) => `${execution} ended with the lease`),
      ...open.map(({ entry, state }) => `${entry} is still ${state}`),
      ...lost.map(() => `'${NO_VERSION}' was written over an ARN: ${history.join(' -> ')}`),
    ];
  }
}

const IMAGE = '683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3';
const OPEN = new Set(['recorded', 'updating', 'restoring', 'restore updating']);
const SCRIPT_MODE = { SAGEMAKER_PROGRAM: 'inference.py', SAGEMAKER_SUBMIT_DIRECTORY: '/opt/ml/model/code' };
