import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { DeleteCommand, GetCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import type { Document } from 'yaml';
import type { FileRow } from '../../runtime/intake/file-row';
import { Checks } from './checks';
import { Ended, ROOT, run, until } from './programs';
import { Athena } from './athena';
import { Arena, PREFIX } from './release-faults/arena';

const CONTRACT = join(ROOT, 'examples/flight-delays/contracts/flights.odcs.yaml');

/** A column that needs no value and that the contract of the example does not have, and where it comes. */
const BEFORE = '      - name: origin\n';
const GATE = `      - name: gate\n        logicalType: string\n        logicalTypeOptions: { pattern: '^[A-Z][0-9]+$' }\n`;

/** Lets the versions of datasets be queried. */
export const withQueries = (document: Document): void => document.setIn(['data', 'queries'], {});

/** What is done to a deployed intake as its user does it, and what holds then. */
export class Proof {
  constructor(
    private readonly checks: Checks,
    private readonly arena: Arena,
    private readonly outputs: Record<string, string>,
    private config: string,
  ) {}

  holds(what: string, fact: boolean, shown: unknown = ''): void {
    this.checks.that(what, fact, () => JSON.stringify(shown));
  }

  intake = (...args: string[]): Promise<Ended> => this.command('intake', ...args);

  /** A command as a user gives it. */
  async command(name: string, ...args: string[]): Promise<Ended> {
    const { url } = this.arena.account;
    const env = Object.entries({ ...this.arena.account.env, AWS_ENDPOINT_URL: url }).map(([name, value]) => `${name}=${value}`);
    const ended = await run('env', [...env, 'npm', 'run', '--silent', name, '--', ...args, '--config', this.config], 600);
    console.log(ended.output.replaceAll(/^/gm, '     | '));
    return ended;
  }

  async send(file: { name: string; bytes: Buffer }): Promise<{ key: string; versionId: string }> {
    const Key = `flights/${file.name}`;
    const { VersionId } = await this.arena.clients.s3.send(new PutObjectCommand({ Bucket: this.outputs.RawBucket, Key, Body: file.bytes }));
    return { key: Key, versionId: VersionId! };
  }

  /** Everything in the ledger but the books of the operations. */
  async items(): Promise<Map<string, Record<string, unknown>>> {
    const items = new Map<string, Record<string, unknown>>();
    for await (const { Items = [] } of paginateScan({ client: this.arena.clients.dynamo }, { TableName: this.outputs.flightsLedger })) {
      Items.filter(({ pk }) => pk !== 'operation' && pk !== 'withdrawing').forEach((item) => items.set(item.pk as string, item));
    }
    return items;
  }

  async rows(): Promise<FileRow[]> {
    return [...(await this.items()).values()].flatMap((item) =>
      (item.pk as string).startsWith('object#') ? [item as unknown as FileRow] : [],
    );
  }

  async forget(pk: string): Promise<void> {
    await this.arena.clients.dynamo.send(new DeleteCommand({ TableName: this.outputs.flightsLedger, Key: { pk } }));
  }

  async version(id: string): Promise<Record<string, unknown> | undefined> {
    const Key = { pk: `flights#${id}` };
    return (await this.arena.clients.dynamo.send(new GetCommand({ TableName: this.outputs.CatalogTable, Key }))).Item;
  }

  final = (files: number): Promise<FileRow[]> =>
    until(`${files} accounted files`, 300, async () => {
      const rows = (await this.rows()).filter(({ state }) => state === 'accounted');
      return rows.length === files ? rows : undefined;
    });

  async publish(): Promise<{ id?: string; rows?: number; manifest?: string; manifestVersion?: string; errorMessage?: string }> {
    const Payload = Buffer.from(JSON.stringify({ dataset: 'flights' }));
    const answer = await this.arena.clients.lambda.send(new InvokeCommand({ FunctionName: this.outputs.DatasetBuilder, Payload }));
    return JSON.parse(Buffer.from(answer.Payload!).toString()) as object;
  }

  async read(key: string, versionId?: string): Promise<Buffer> {
    const { Body } = await this.arena.clients.s3.send(
      new GetObjectCommand({ Bucket: this.outputs.ValidatedBucket, Key: key, VersionId: versionId }),
    );
    return Buffer.from(await Body!.transformToByteArray());
  }

  /** How many records a query of a dataset version finds, or how many with a value in a column. */
  async queried(id: string, of = '*'): Promise<number> {
    const { QueryWorkGroup, QueryDatabase } = this.outputs;
    const athena = new Athena(this.arena.account.url, QueryWorkGroup);
    const [[count]] = await athena.query(`SELECT count(${of}) FROM ${QueryDatabase}.flights WHERE dataset_version = '${id}'`);
    return Number(count);
  }

  /** Every record that a manifest names, read from its pinned objects. */
  async recordsOf({ manifest, manifestVersion }: { manifest?: string; manifestVersion?: string }): Promise<string[]> {
    const { objects } = JSON.parse((await this.read(manifest!, manifestVersion)).toString()) as {
      objects: { key: string; versionId: string }[];
    };
    const texts = await Promise.all(objects.map(async ({ key, versionId }) => gunzipSync(await this.read(key, versionId)).toString()));
    return texts.flatMap((text) => text.trimEnd().split('\n').slice(1));
  }

  async dead(body: string): Promise<void> {
    const { QueueUrl } = await this.arena.clients.sqs.send(new GetQueueUrlCommand({ QueueName: `${PREFIX}-flights-dead-letters` }));
    await this.arena.clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
  }

  messageOf = ({ key, versionId }: { key: string; versionId: string }, sequencer = '00'): string =>
    JSON.stringify({ detail: { bucket: { name: this.outputs.RawBucket }, object: { key, 'version-id': versionId, sequencer } } });

  /** Deploys the contract with another pattern of the tail number, and with the gate among its columns. */
  async deployContract(version: string, pattern: string): Promise<void> {
    const file = join(this.arena.account.stateDir, `contract-${version}.odcs.yaml`);
    const text = readFileSync(CONTRACT, 'utf8').replace('version: 1.0.0', `version: ${version}`).replace('^N[0-9A-Z]{2,5}$', pattern);
    writeFileSync(
      file,
      text.replace(BEFORE, () => GATE + BEFORE),
    );
    this.config = this.arena.config(`config-${version}`, (document) => {
      withQueries(document);
      document.setIn(['data', 'contracts'], [file]);
    });
    await this.arena.redeploy(this.config);
  }
}
