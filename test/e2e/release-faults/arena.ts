import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DisableRuleCommand, EnableRuleCommand, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { parseDocument, Scalar, visit, Document } from 'yaml';
import type { Account } from '../../../local/account';
import { Clients, clientsFor, stackOutputs } from '../../../local/start/clients';
import { bootstrap, deploy, DeploymentOptions, synthesize } from '../../../local/start/deployment';
import { ReleaseWorld } from '../release-world';
import type { Book } from './book';

const CONFIG = resolve(__dirname, '../../../config');
export const PREFIX = 'flight-delays-dev';
const MODEL = 'delay';

/** One scenario: what is done to a deployed workload. What must hold after it is asserted in the book. */
export interface Scenario {
  readonly name: string;
  /** Whether it is one of those that `npm test` runs. */
  readonly short?: boolean;
  run(arena: Arena, book: Book): Promise<void>;
}

/** Scenarios that share an account, one after another. */
export interface Stage {
  /** Of the platform clock. */
  readonly clockFactor: number;
  readonly scenarios: Scenario[];
  /** Path of the config that is deployed first. */
  config(arena: Arena): string;
}

/** A local account with the blueprint in it, and the ways to change both. */
export class Arena {
  public readonly clients: Clients;
  private readonly folder: string;

  constructor(
    public readonly account: Account,
    private readonly signal: AbortSignal,
  ) {
    this.clients = clientsFor(account.url);
    this.folder = account.stateDir;
  }

  /** A copy of the dev config with a change. Paths that begin with `../` stay those of config/. */
  public config(name: string, change: (document: Document) => void): string {
    const document = parseDocument(readFileSync(join(CONFIG, 'dev.yaml'), 'utf8'));
    visit(document, {
      Scalar: (_key, node: Scalar) => {
        if (typeof node.value === 'string' && node.value.startsWith('../')) {
          node.value = join(CONFIG, node.value);
        }
      },
    });
    change(document);
    const file = join(this.folder, `${name}.yaml`);
    writeFileSync(file, document.toString());
    return file;
  }

  public bootstrap = () => bootstrap(this.options(''));

  public synthesize = (config: string) =>
    synthesize(this.options(config), { months: [1, 1], seed: 0, clockFactor: this.account.clockFactor, steps: [] });

  /** `cdk deploy --all` of what was synthesized last. */
  public deploy = () => deploy(this.options(''));

  public async redeploy(config: string): Promise<void> {
    await this.synthesize(config);
    await this.deploy();
  }

  public async world(prefix = PREFIX): Promise<ReleaseWorld> {
    return new ReleaseWorld(this.clients, await stackOutputs(this.clients), prefix, MODEL);
  }

  /** The account's own faults: see local/account/sagemaker/faults.py. */
  public async faults(faults: object): Promise<void> {
    const response = await fetch(`${this.account.url}/_account/faults`, { method: 'PUT', body: JSON.stringify(faults) });
    if (!response.ok) {
      throw new Error(`the account refused the faults: ${await response.text()}`);
    }
  }

  /** Switches rules whose names match; answers how many. */
  public async rules(pattern: RegExp, enabled: boolean): Promise<number> {
    const { Rules = [] } = await this.clients.events.send(new ListRulesCommand({}));
    const wanted = Rules.filter(({ Name }) => pattern.test(Name!));
    for (const { Name } of wanted) {
      await this.clients.events.send(enabled ? new EnableRuleCommand({ Name }) : new DisableRuleCommand({ Name }));
    }
    return wanted.length;
  }

  /** The clock's rules stand still: a scenario must not be rescued by them unless it says so. */
  public async stopClockRules(): Promise<void> {
    const { Rules = [] } = await this.clients.events.send(new ListRulesCommand({}));
    for (const { Name } of Rules.filter(({ ScheduleExpression }) => ScheduleExpression !== undefined)) {
      await this.clients.events.send(new DisableRuleCommand({ Name }));
    }
  }

  private options(config: string): DeploymentOptions {
    return { account: this.account, config, signal: this.signal, say: () => undefined };
  }
}
