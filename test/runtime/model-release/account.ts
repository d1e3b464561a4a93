import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { ExecutionAlreadyExists, ExecutionDoesNotExist, SFNClient } from '@aws-sdk/client-sfn';
import { ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { Dependencies, makeHandler, Request } from '../../../runtime/model-release/handler';
import { StackMachine } from '../../../runtime/model-release/stack-machine';
import { ReleaseTable } from '../../../runtime/model-release/table';
import type { Action, EndpointState, StackState, Version } from '../../../runtime/model-release/types';
import { FakeDynamoDb } from '../../support/fake-dynamodb';
import { RULES, versionOf } from './services';

export const TABLE = 'releases';
export const POINTER = '/air-dev/models/delay/approved';
export const ME = 'arn:aws:states:eu-central-1:1:execution:air-dev-release:me';
export const OTHER = 'arn:aws:states:eu-central-1:1:execution:air-dev-release:other';
export const AT = '2026-01-01T00:00:00.000Z';
export const failure = (name: string, message = name) => Object.assign(new Error(message), { name });
type Input = Record<string, never>;

/** What the steps of the release machine see of an AWS account, answered in the words of AWS, one item a page. */
export class Account {
  readonly dynamo = new FakeDynamoDb(['model', 'entry']);
  readonly calls: string[] = [];
  readonly measured: string[] = [];
  readonly started: { name: string; input: string }[] = [];
  /** Executions by ARN; others do not exist. */
  readonly executions: Record<string, string> = { [ME]: 'RUNNING' };
  groups: string[] = [];
  versions: Version[] = [versionOf(1)];
  pointer: string | undefined = 'none';
  stack: StackState | undefined = { status: 'CREATE_COMPLETE', resolvedPointer: 'none' };
  /** Whether a parameter of the stack reads the pointer. */
  reads = true;
  endpoint: EndpointState | undefined;
  alarms: { name: string; state: string }[] = [];
  /** Models beside 'delay' whose pointers its stack reads too, served as further variants of its endpoint. */
  beside: Record<string, { pointer?: string; resolved: string; live?: string; versions: Version[] }> = {};
  /** Further stacks: the pointers that they read. */
  stacks: Record<string, string[]> = {};
  /** Name of a command, and what it answers instead. */
  readonly failures: Record<string, Error> = {};
  lastUpdate: Record<string, unknown> = {};

  readonly deps: Dependencies = {
    prefix: 'air-dev',
    table: TABLE,
    stateMachine: 'arn:machine',
    releaseRole: 'arn:release-role',
    artifacts: RULES.artifacts,
    images: RULES.images,
    maximumWaitMs: 7_200_000,
    dynamo: this.dynamo.client,
    registry: this.clientOf(SageMakerClient.prototype),
    stacks: this.clientOf(CloudFormationClient.prototype),
    alarms: this.clientOf(CloudWatchClient.prototype),
    parameters: this.clientOf(SSMClient.prototype),
    executions: this.clientOf(SFNClient.prototype),
    now: () => new Date(AT),
    measure: (name, value) => void this.measured.push(`${name} ${value}`),
    logger: { info: () => undefined, error: () => undefined, warn: () => undefined } as unknown as Dependencies['logger'],
  };
  readonly run = makeHandler(this.deps);
  readonly table = new ReleaseTable(this.dynamo.client, TABLE, 'delay');

  machine(execution = ME): StackMachine {
    return new StackMachine(this.deps, 'delay', execution);
  }
  act(next: Action, execution = ME): Promise<object> {
    return this.run({ action: 'Act', execution, model: 'delay', next });
  }
  take(execution = ME): Promise<object> {
    return this.run({ action: 'TakeLease', execution, input: { model: 'delay' } } satisfies Request);
  }
  row<T = Record<string, unknown>>(entry: string): T | undefined {
    return this.dynamo.items<{ entry: string } & T>(TABLE).find((row) => row.entry === entry);
  }

  /** Paginators ask for a true client. */
  private clientOf<T extends object>(prototype: T): T {
    const send = async ({ constructor: { name }, input }: { constructor: { name: string }; input: Input }) => {
      const command = name.replace('Command', '');
      if (!/^(Describe|Get|List)/.test(command)) {
        this.calls.push(command);
      }
      if (this.failures[command] !== undefined) {
        throw this.failures[command];
      }
      return this.answers[command](input);
    };
    return Object.assign(Object.create(prototype) as T, { send });
  }

  private get allVersions(): Version[] {
    return [...this.versions, ...Object.values(this.beside).flatMap(({ versions }) => versions)];
  }
  private besideOf = (parameter: string) => this.beside[parameter.split('/').at(-2)!];
  private besideParameters = () =>
    Object.entries(this.beside).map(([model, { resolved }]) => ({
      ParameterKey: model,
      ParameterValue: `/air-dev/models/${model}/approved`,
      ResolvedValue: resolved,
    }));

  private readonly answers: Record<string, (input: Input) => object> = {
    DescribeStacks: ({ StackName }) => {
      const others = this.stacks[StackName];
      if (others !== undefined) {
        return { Stacks: [{ StackStatus: 'CREATE_COMPLETE', Parameters: others.map((ParameterValue) => ({ ParameterValue })) }] };
      }
      if (this.stack === undefined || StackName !== 'air-dev-serving-delay') {
        throw failure('ValidationError', `Stack with id ${StackName} does not exist`);
      }
      const { status, resolvedPointer } = this.stack;
      const Pointer = { ParameterKey: 'Pointer', ParameterValue: POINTER, ResolvedValue: resolvedPointer };
      const Parameters = [{ ParameterKey: 'Other', ParameterValue: 'x' }, ...(this.reads ? [Pointer] : []), ...this.besideParameters()];
      return { Stacks: [{ StackStatus: status, Parameters, Capabilities: ['CAPABILITY_NAMED_IAM'] }] };
    },
    UpdateStack: (input) => {
      this.lastUpdate = input;
      return {};
    },
    GetParameter: ({ Name }) => {
      const Value = this.besideOf(Name) === undefined ? this.pointer : this.besideOf(Name)!.pointer;
      if (Value === undefined) {
        throw new ParameterNotFound({ message: '', $metadata: {} });
      }
      return { Parameter: { Value } };
    },
    PutParameter: ({ Name, Value }) => {
      Object.assign(this.besideOf(Name) ?? this, { pointer: Value });
      return {};
    },
    DescribeEndpoint: () => {
      if (this.endpoint === undefined) {
        throw failure('ValidationException', 'Could not find endpoint "arn:aws:sagemaker:eu-central-1:1:endpoint/air-dev-delay".');
      }
      const Alarms = this.endpoint.rollbackAlarms?.map((AlarmName) => ({ AlarmName }));
      const LastDeploymentConfig = Alarms && { AutoRollbackConfiguration: { Alarms } };
      return { EndpointStatus: this.endpoint.status, EndpointConfigName: 'config', LastDeploymentConfig };
    },
    DescribeAlarms: ({ AlarmNames, StateValue }) => ({
      MetricAlarms: this.alarms
        .filter(({ name, state }) => (AlarmNames as string[]).includes(name) && state === StateValue)
        .map(({ name }) => ({ AlarmName: name })),
    }),
    DescribeEndpointConfig: () => ({
      ProductionVariants: [{ ModelName: 'model' }, ...Object.keys(this.beside).map((ModelName) => ({ ModelName }))],
    }),
    // A variant without a version of its own serves the endpoint's.
    DescribeModel: ({ ModelName }) => ({
      PrimaryContainer: { ModelPackageName: this.beside[ModelName]?.live ?? this.endpoint!.packageArn },
    }),
    ListModelPackages: ({ ModelPackageGroupName, NextToken }) => {
      const at = Number(NextToken ?? 0);
      const ModelPackageSummaryList = this.allVersions
        .filter(({ group }) => group === ModelPackageGroupName)
        .slice(at, at + 1)
        .map(({ arn, version }) => ({ ModelPackageArn: arn, ModelPackageVersion: version }));
      return {
        ModelPackageSummaryList,
        NextToken: at + 1 < this.allVersions.filter(({ group }) => group === ModelPackageGroupName).length ? String(at + 1) : undefined,
      };
    },
    DescribeModelPackage: ({ ModelPackageName }) => {
      const { version, group, status, metadata, containers } = this.allVersions.find(({ arn }) => arn === ModelPackageName)!;
      this.calls.push(`describe ${version}`);
      return {
        ModelPackageVersion: version,
        ModelPackageGroupName: group,
        ModelPackageStatus: status,
        CustomerMetadataProperties: metadata,
        InferenceSpecification: { Containers: containers.map(({ image, modelDataUrl }) => ({ Image: image, ModelDataUrl: modelDataUrl })) },
      };
    },
    ListModelPackageGroups: ({ NextToken }) => {
      const at = Number(NextToken ?? 0);
      const ModelPackageGroupSummaryList = this.groups.slice(at, at + 1).map((ModelPackageGroupName) => ({ ModelPackageGroupName }));
      return { ModelPackageGroupSummaryList, NextToken: at + 1 < this.groups.length ? String(at + 1) : undefined };
    },
    DescribeExecution: ({ executionArn }) => {
      if (this.executions[executionArn] === undefined) {
        throw new ExecutionDoesNotExist({ message: '', $metadata: {} });
      }
      return { status: this.executions[executionArn] };
    },
    StartExecution: ({ name, input }) => {
      if (this.started.some((execution) => execution.name === name)) {
        throw new ExecutionAlreadyExists({ message: '', $metadata: {} });
      }
      this.started.push({ name, input });
      return {};
    },
  };
}
