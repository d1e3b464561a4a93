import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { loadBlueprint } from '../lib/config/load';
import { Freeze, isFrozen, LEDGER, MAXIMUM_FREEZE_HOURS, reportKey } from '../lib/constructs/data/contract';
import { Clients, defaultClients } from './clients';
import { argumentsOf, ENVIRONMENT, runCommand, UsageError } from './command';
import { Workload } from './workload';

const USAGE = `Usage: npm run freeze -- intake --for TIME --reason TEXT [options]
       npm run freeze -- intake --list | --lift --reason TEXT [options]

Lets an intake take no new file for a time. Files go on to arrive in the raw zone and wait; those that are being read are finished. Nothing is lost and
nothing ends in the dead-letter queue, however long it takes; alarms about waiting files are quiet. It ends by itself at its time.
Who, when, why and until when is told on the event bus and kept in the validated zone, below <dataset>/operations/.

Options:
  --for TIME        30m, 2h or 3d: 1 minute to 7 days from now. A freeze that is on gets the new end
  --reason TEXT     why, for those who read it later; required
  --lift            end it now
  --list            say which intakes are frozen
  --dataset NAME    only this one (default: every intake of the stage)
  --config FILE     config file of the stage (default config/dev.yaml)

${ENVIRONMENT}`;

const MINUTES: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1440 };

/** Length of a freeze in minutes. Errors: `InvalidOption`. */
export function minutesOf(text: string): number {
  const [, number, unit] = /^([1-9]\d{0,4})([mhd])$/.exec(text) ?? [];
  const minutes = Number(number) * MINUTES[unit];
  if (!(minutes <= MAXIMUM_FREEZE_HOURS * 60)) {
    throw new UsageError(`InvalidOption: --for must be like 30m, 2h or 3d, up to ${MAXIMUM_FREEZE_HOURS / 24}d, got '${text}'\n\n${USAGE}`);
  }
  return minutes;
}

/** Freezes of the intakes of a workload. */
export class IntakeFreezes {
  constructor(
    private readonly clients: Clients,
    private readonly workload: Workload,
    private readonly now: () => Date,
  ) {}

  /** Errors: `UnknownDataset`. */
  public datasets(only: string | undefined): string[] {
    const { datasets, prefix } = this.workload;
    if (only !== undefined && !datasets.includes(only)) {
      throw new Error(`UnknownDataset: '${only}' has no intake in ${prefix}: known are ${datasets.join(', ') || 'none'}`);
    }
    return only === undefined ? datasets : [only];
  }

  public async of(dataset: string): Promise<Freeze | undefined> {
    const { Item } = await this.clients.tables.send(
      new GetCommand({ TableName: this.table(dataset), Key: { [LEDGER.key]: LEDGER.freeze }, ConsistentRead: true }),
    );
    return Item as Freeze | undefined;
  }

  /** Begins one; one that is on is replaced and named in the new one's reason by its end alone. Errors: `FreezeChanged`. */
  public async begin(dataset: string, minutes: number, by: string, reason: string): Promise<Freeze> {
    const seen = await this.of(dataset);
    const now = this.now();
    const freeze = {
      freeze: `freeze-${randomUUID()}`,
      since: now.toISOString(),
      until: new Date(now.getTime() + minutes * 60_000).toISOString(),
      ...{ by, reason },
    };
    await this.unlessChanged(dataset, (TableName) => {
      const condition = seen === undefined ? 'attribute_not_exists(pk)' : '#freeze = :seen';
      const names = seen === undefined ? {} : { ExpressionAttributeNames: { '#freeze': 'freeze' } };
      const values = seen === undefined ? {} : { ExpressionAttributeValues: { ':seen': seen.freeze } };
      const Item = { [LEDGER.key]: LEDGER.freeze, ...freeze };
      return this.clients.tables.send(new PutCommand({ TableName, Item, ConditionExpression: condition, ...names, ...values }));
    });
    return freeze;
  }

  /** Ends the one that is on; undefined when none is. Errors: `FreezeChanged`. */
  public async lift(dataset: string, by: string, reason: string): Promise<Freeze | undefined> {
    const seen = await this.of(dataset);
    if (!isFrozen(seen, this.now())) {
      return undefined;
    }
    const end = { endedAt: this.now().toISOString(), endedBy: by, endReason: reason };
    await this.unlessChanged(dataset, (TableName) =>
      this.clients.tables.send(
        new UpdateCommand({
          TableName,
          Key: { [LEDGER.key]: LEDGER.freeze },
          ConditionExpression: '#freeze = :seen AND attribute_not_exists(endedAt)',
          UpdateExpression: 'SET endedAt = :at, endedBy = :by, endReason = :why',
          ExpressionAttributeNames: { '#freeze': 'freeze' },
          ExpressionAttributeValues: { ':seen': seen!.freeze, ':at': end.endedAt, ':by': by, ':why': reason },
        }),
      ),
    );
    return { ...seen!, ...end };
  }

  private table(dataset: string): string {
    return this.workload.output(`${dataset}Ledger`);
  }

  private async unlessChanged(dataset: string, write: (table: string) => Promise<unknown>): Promise<void> {
    try {
      await write(this.table(dataset));
    } catch (error) {
      if ((error as Error).name === 'ConditionalCheckFailedException') {
        throw new Error(`FreezeChanged: somebody else freezes or lifts ${dataset} at this moment: look with --list`, { cause: error });
      }
      throw error;
    }
  }
}

/** One line for people. */
export function lineOf(dataset: string, freeze: Freeze | undefined, now: Date): string {
  if (freeze === undefined) {
    return `${dataset}: takes files; it was never frozen`;
  }
  const { since, until, by, reason, endedAt, endedBy } = freeze;
  const told = `(${by}: ${reason}; report ${reportKey(dataset, freeze.freeze)})`;
  return isFrozen(freeze, now)
    ? `${dataset}: FROZEN since ${since} until ${until} ${told}`
    : `${dataset}: takes files; last frozen from ${since} to ${endedAt ?? until}${endedBy === undefined ? '' : `, ended by ${endedBy}`} ${told}`;
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** Errors: `InvalidOption`, with everything that is wrong. */
function checked(what: string, { for: length, reason, list, lift }: Values): void {
  const problems = [
    ...(what === 'intake' ? [] : [`only 'intake' can be frozen, got '${what}'`]),
    ...([length !== undefined, list === true, lift === true].filter(Boolean).length === 1 ? [] : ['give one of --for, --list and --lift']),
    ...(list === true || (typeof reason === 'string' && reason.trim() !== '') ? [] : ['--reason must say why']),
  ];
  if (problems.length > 0) {
    throw new UsageError(`InvalidOption: ${problems.join('; ')}\n\n${USAGE}`);
  }
}

async function main(args: string[]): Promise<number> {
  const [text, flag] = [{ type: 'string' } as const, { type: 'boolean' } as const];
  const { values, argument } = argumentsOf(args, { for: text, reason: text, dataset: text, config: text, list: flag, lift: flag }, USAGE);
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  checked(argument, values);
  const minutes = values.for === undefined ? 0 : minutesOf(values.for as string);
  const config = loadBlueprint((values.config as string | undefined) ?? 'config/dev.yaml');
  const clients = await defaultClients(config.region);
  const now = () => new Date();
  const freezes = new IntakeFreezes(clients, await Workload.find(config, clients), now);
  const [by, reason] = [userInfo().username, values.reason as string];
  for (const dataset of freezes.datasets(values.dataset as string | undefined)) {
    if (values.list !== true) {
      await (values.lift === true ? freezes.lift(dataset, by, reason) : freezes.begin(dataset, minutes, by, reason));
    }
    console.log(lineOf(dataset, await freezes.of(dataset), now()));
  }
  return 0;
}

if (require.main === module) {
  runCommand(main);
}
