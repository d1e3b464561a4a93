import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attachCustomSynthesis, Stack, Token } from 'aws-cdk-lib';
import { Construct, IConstruct } from 'constructs';
import { InstanceType } from '../instance-type.generated';

/** Context key of the quotas that account and Region have, by name. @internal */
export const GRANTED_QUOTAS = 'cdk-ai-workloads:grantedQuotas';

/** https://docs.aws.amazon.com/general/latest/gr/sagemaker.html names all; messages of the service name those by type. */
const ofType = (instance: string): string => `${instance} for endpoint usage`;
const OF_ALL = 'Number of instances across active endpoints';
/** Quota of the instances of transform jobs. @internal */
export const ofTransforms = (instance: string): string => `${instance} for transform job usage`;
/** Quota of all serverless endpoints together. @internal */
export const SERVERLESS_CONCURRENCY = 'Maximum total concurrency that can be allocated across all serverless endpoints';

/** What one variant or job takes. @internal */
export interface QuotaNeed {
  /** What takes it: `endpoint/variant`, or the name of a batch scoring. */
  readonly name: string;
  /** Each of them is needed. */
  readonly quotas: readonly string[];
  /** Most that serve. */
  readonly most: number;
  /** Most that an update takes beside them. */
  readonly update: number;
}

/** Takes down what a construct needs, in a file of its stack. Where only the deployment knows numbers it says so. @internal */
export function recordNeed(scope: IConstruct, need: QuotaNeed): void {
  const manifest = QuotaManifest.of(Stack.of(scope));
  if ([need.most, need.update].some((count) => Token.isUnresolved(count))) {
    manifest.unknown.push(need.name);
  } else {
    manifest.needs.push(need);
  }
}

/** Takes down the instances of a variant, of which any of `types` may serve. @internal */
export function recordInstances(
  scope: IConstruct,
  need: { endpoint: string; variant: string; types: readonly InstanceType[]; most: number; update: number },
): void {
  const { endpoint, variant, types, most, update } = need;
  recordNeed(scope, { name: `${endpoint}/${variant}`, quotas: [...types.map(({ name }) => ofType(name)), OF_ALL], most, update });
}

/** What a stack needs of an account, written beside its template (docs/decisions/0011-quotas-beside-the-template.md). */
class QuotaManifest extends Construct {
  /** The manifest of a stack: there is one. */
  public static of(stack: Stack): QuotaManifest {
    const there = stack.node.children.find((child) => child instanceof QuotaManifest);
    return (there as QuotaManifest | undefined) ?? new QuotaManifest(stack);
  }

  public readonly needs: QuotaNeed[] = [];
  /** Names of what has numbers that only the deployment knows. */
  public readonly unknown: string[] = [];
  private readonly stack: Stack;

  private constructor(stack: Stack) {
    super(stack, 'CdkAiWorkloadsQuotas');
    this.stack = stack;
    attachCustomSynthesis(this, {
      onSynthesize: ({ outdir }) =>
        writeFileSync(join(outdir, `${stack.artifactId}.quotas.json`), `${JSON.stringify(this.content, null, 2)}\n`),
    });
    this.node.addValidation({ validate: () => this.problems() });
  }

  /** By quota: how much the stack takes while all its endpoints update with as much as they may have, and all its jobs run. */
  public get totals(): ReadonlyMap<string, { needed: number; by: QuotaNeed[] }> {
    const totals = new Map<string, { needed: number; by: QuotaNeed[] }>();
    for (const need of this.needs) {
      for (const quota of need.quotas) {
        const total = totals.get(quota) ?? { needed: 0, by: [] };
        total.needed += need.most + need.update;
        total.by.push(need);
        totals.set(quota, total);
      }
    }
    return totals;
  }

  private get content(): object {
    const { stackName, account, region } = this.stack;
    const known = (value: string) => (Token.isUnresolved(value) ? undefined : value);
    return {
      version: 1,
      stack: stackName,
      account: known(account),
      region: known(region),
      service: 'sagemaker',
      unknown: this.unknown,
      quotas: [...this.totals].map(([quota, { needed, by }]) => ({
        quota,
        needed,
        for: by.map(({ name, most, update }) => ({ name, serving: most, update })),
      })),
    };
  }

  /** A quota is of account and Region, so all stacks of the app there count. */
  private problems(): string[] {
    const granted: unknown = this.node.tryGetContext(GRANTED_QUOTAS);
    if (granted === undefined) {
      return [];
    }
    if (typeof granted !== 'object' || granted === null || Object.values(granted).some((value) => !Number.isInteger(value) || value < 0)) {
      return [
        `InvalidQuota: context '${GRANTED_QUOTAS}' must map names of quotas to whole numbers, such as {"${ofType('ml.g5.xlarge')}": 4}`,
      ];
    }
    const beside = this.node.root.node
      .findAll()
      .filter((child): child is QuotaManifest => child instanceof QuotaManifest && child.stack.environment === this.stack.environment);
    return [...this.totals.keys()].flatMap((quota) => {
      const limit = (granted as Record<string, number>)[quota];
      const needs = beside.flatMap((one) => one.totals.get(quota)?.by ?? []);
      const needed = needs.reduce((sum, { most, update }) => sum + most + update, 0);
      return limit === undefined || needed <= limit
        ? []
        : [
            `InvalidQuota: '${quota}' is ${limit}, but ${needed} are needed by ${needs.map(shown).join(', ')}: ask for ${needed} in Service Quotas, ` +
              `or have fewer instances [at ${this.stack.node.path}]`,
          ];
    });
  }
}

const shown = ({ name, most, update }: QuotaNeed): string => `${name} (${most}${update > 0 ? ` and ${update} more in an update` : ''})`;
