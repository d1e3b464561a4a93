// A dataset that files, a stream and an API of records feed, in a local account of its own: records that were put on the stream are readable by key within seconds,
// each is in the raw zone once and accounted for in the ledger, and a dataset version has files and stream together and can be queried.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { ColumnStatistics } from '../../lib/constructs/data/dataset-catalog/contract';
import type { Manifest } from '../../runtime/dataset-builder/core';
import { Account, startAccount } from '../../local/account';
import { ApiAnswer, apiClient, Clients, clientsFor, CREDENTIALS, localApiUrl, REGION, stackOutputs } from '../../local/start/clients';
import { runCommand } from '../../local/start/commands';
import { checkDeployment } from '../../local/start/deployment';
import { assumeRole, Athena } from './athena';
import { Checks } from './checks';
import { queries, Version } from './stream-queries';

const ROOT = join(__dirname, '../..');
const checks = new Checks();

async function until<T>(what: string, seconds: number, ask: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await ask();
    if (found !== undefined) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`${what} did not happen within ${seconds} s`);
    }
    await sleep(100);
  }
}

async function deploy(account: Account, signal: AbortSignal): Promise<void> {
  const cdk = (log: string, ...args: string[]) =>
    runCommand(process.execPath, [join(ROOT, 'node_modules/aws-cdk/bin/cdk'), ...args, '--no-notices'], {
      ...{ cwd: ROOT, env: account.env, logFile: join(account.stateDir, `${log}.log`), signal },
    });
  const out = join(account.stateDir, 'cdk.out');
  await runCommand(process.execPath, [join(ROOT, 'scripts/build-handlers.mjs'), '--if-changed'], {
    ...{ cwd: ROOT, env: account.env, logFile: join(account.stateDir, 'handlers.log'), signal },
  });
  await cdk('synth', 'synth', '--quiet', '--app', `${process.execPath} --import tsx ${join(__dirname, 'stream-app.ts')}`, '-o', out);
  await cdk('bootstrap', 'bootstrap', 'aws://000000000000/us-east-1', '--app', '');
  await cdk('deploy', 'deploy', '--all', '--app', out, '--method', 'direct', '--require-approval', 'never');
}

/** The world of one deployment. */
class Readings {
  private readonly clients: Clients;
  private readonly kinesis: KinesisClient;
  private names: Record<string, string> = {};
  /** Those that were published, in that order. */
  public readonly versions: Version[] = [];

  constructor(private readonly url: string) {
    this.clients = clientsFor(url);
    this.kinesis = new KinesisClient({ endpoint: url, region: REGION, credentials: CREDENTIALS });
  }

  async connect(account: Account): Promise<void> {
    this.names = await stackOutputs(this.clients);
    const read = await checkDeployment(this.clients, { account });
    checks.that(`all of its ${read} resources are read back from their own services [L2]`, read > 60);
  }

  async put(...records: (object | string | Buffer)[]): Promise<void> {
    const Records = records.map((record) => ({
      Data: Buffer.isBuffer(record) ? record : Buffer.from(typeof record === 'string' ? record : JSON.stringify(record)),
      PartitionKey: (record as { sensor?: string }).sensor ?? 'none',
    }));
    const { FailedRecordCount } = await this.kinesis.send(new PutRecordsCommand({ StreamName: this.names.StreamName, Records }));
    checks.same('records that the stream did not take', FailedRecordCount, 0);
  }

  /** Posts a value as JSON, or a text of another content type. */
  async post(body: unknown, contentType?: string): Promise<ApiAnswer> {
    return apiClient(localApiUrl(this.url, this.names.ApiName))('POST', '/v1/datasets/readings/records', body, contentType);
  }

  async online(sensor: string): Promise<Record<string, unknown> | undefined> {
    const Key = { pk: JSON.stringify([sensor]) };
    const { Item } = await this.clients.dynamo.send(new GetCommand({ TableName: this.names.OnlineName, Key, ConsistentRead: true }));
    return Item && { ...(JSON.parse(Item.columns as string) as object), eventTime: new Date(Item.eventTime as number).toISOString() };
  }

  async rows(): Promise<{ pk: string; state: string; key: string; counts?: { read: number; valid: number; quarantined: number } }[]> {
    const { Items = [] } = await this.clients.dynamo.send(new ScanCommand({ TableName: this.names.LedgerName, ConsistentRead: true }));
    return Items.filter(({ pk }) => (pk as string).startsWith('object#')) as never;
  }

  /** Counts of all objects once so many records are accounted for. */
  async accounted(records: number) {
    return until(`the ledger accounting for ${records} records`, 60, async () => {
      const rows = await this.rows();
      const read = rows.reduce((sum, { counts }) => sum + (counts?.read ?? 0), 0);
      return read >= records && rows.every(({ state }) => state === 'accounted') ? rows : undefined;
    });
  }

  async landed(): Promise<string[]> {
    const Bucket = this.names.RawName;
    const { Contents = [] } = await this.clients.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'readings/stream/' }));
    const bodies = await Promise.all(
      Contents.map(async ({ Key }) => (await this.clients.s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString()),
    );
    return bodies.flatMap((body) => body.trimEnd().split('\n')).map((line) => (JSON.parse(line) as { id: string }).id);
  }

  async file(name: string, text: string): Promise<void> {
    await this.clients.s3.send(new PutObjectCommand({ Bucket: this.names.RawName, Key: `readings/${name}`, Body: text }));
  }

  /** Publishes a dataset version; what its manifest says, and the records that count. */
  async version(): Promise<Version> {
    const { Payload, FunctionError } = await this.clients.lambda.send(
      new InvokeCommand({ FunctionName: this.names.BuilderName, Payload: Buffer.from('{"dataset":"readings"}') }),
    );
    const answer = JSON.parse(Buffer.from(Payload!).toString()) as { manifest: string };
    if (FunctionError !== undefined) {
      throw new Error(JSON.stringify(answer));
    }
    const manifest = JSON.parse((await this.validated(answer.manifest)).toString()) as Manifest;
    const lines = await Promise.all(
      manifest.objects.map(async ({ key, excluded = [] }) =>
        (await this.lines(key)).slice(1).filter((_, i) => !excluded.some(([first, last]) => i + 1 >= first && i + 1 <= last)),
      ),
    );
    const statistics = (await this.lines(manifest.statistics!.key)).map((line) => JSON.parse(line) as ColumnStatistics);
    const version = { ...manifest, statistics, lines: lines.flat().sort() };
    this.versions.push(version);
    return version;
  }

  /** A client of the work group, as who took on a role. */
  async athena(role: 'Analyst' | 'Stranger'): Promise<Athena> {
    return new Athena(this.url, this.names.WorkGroupName, await assumeRole(this.url, this.names[`${role}Name`]));
  }

  private async validated(Key: string): Promise<Buffer> {
    const { Body } = await this.clients.s3.send(new GetObjectCommand({ Bucket: this.names.ValidatedName, Key }));
    return Buffer.from(await Body!.transformToByteArray());
  }

  private async lines(key: string): Promise<string[]> {
    return gunzipSync(await this.validated(key))
      .toString()
      .trimEnd()
      .split('\n');
  }
}

const reading = (sensor: string, minute: number, value: number | string) => ({
  sensor,
  at: `2026-03-01T10:${String(minute).padStart(2, '0')}:00Z`,
  value,
});

async function scenario(world: Readings): Promise<void> {
  const start = Date.now();
  await world.put(reading('a', 1, 1), reading('b', 1, 2));
  await until('a record being readable online', 30, () => world.online('a'));
  const seconds = (Date.now() - start) / 1000;
  checks.that(`a record is readable online ${seconds.toFixed(1)} s after it was put on the stream [D8]`, seconds < 10);
  checks.same('what is known of the sensor', await world.online('a'), { ...reading('a', 1, 1), eventTime: '2026-03-01T10:01:00.000Z' });

  await world.put(reading('a', 3, 3), reading('a', 2, 9), reading('c', 1, 'hot'), '{"sensor":\n"d"', Buffer.from([0xff, 0x0a]));
  await world.put(reading('a', 3, 4));
  await until('the newest record being online', 30, async () => ((await world.online('a'))?.value === 4 ? true : undefined));
  checks.same('a later record of an earlier event changes nothing', (await world.online('a'))?.eventTime, '2026-03-01T10:03:00.000Z');
  checks.same('what the contract refuses is not online', await world.online('c'), undefined);

  const rows = await world.accounted(8);
  const sum = (field: 'read' | 'valid' | 'quarantined') => rows.reduce((total, { counts }) => total + counts![field], 0);
  checks.same('read = valid + quarantined [D4]', [sum('read'), sum('valid'), sum('quarantined')], [8, 5, 3]);
  const ids = await world.landed();
  checks.same('records in the raw zone, each once', [ids.length, new Set(ids).size], [8, 8]);

  await world.file('day.csv', 'sensor,at,value\na,2026-03-01T10:01:00Z,50\ne,2026-03-01T10:01:00Z,5\n');
  await world.accounted(10);
  const version = await world.version();
  const wanted = [
    'a,2026-03-01T10:01:00Z,50',
    'a,2026-03-01T10:02:00Z,9',
    'a,2026-03-01T10:03:00Z,4',
    'b,2026-03-01T10:01:00Z,2',
    'e,2026-03-01T10:01:00Z,5',
  ];
  checks.same('a dataset version has files and stream, of one primary key the newest [D7]', version.lines, wanted);
  checks.same('it counts the others as superseded', [version.rows, version.superseded], [5, 2]);
}

async function byHttp(world: Readings): Promise<void> {
  const start = Date.now();
  const { status, body } = await world.post(reading('h', 1, 1));
  checks.same(
    'the answer to a single record',
    [status, body],
    [200, { records: 1, accepted: 1, quarantined: 0, notTaken: 0, results: [{ index: 0, status: 'accepted' }] }],
  );
  await until('the record being readable online', 30, () => world.online('h'));
  const seconds = (Date.now() - start) / 1000;
  checks.that(`a record is readable online ${seconds.toFixed(1)} s after it was posted [D8]`, seconds < 10);

  const batch = await world.post([reading('h', 2, 2), reading('i', 1, 101), reading('h', 2, 3)]);
  const told = ({ body: answered }: ApiAnswer) => (answered as { results: { status: string; rule?: string }[] }).results;
  const verdicts = (answer: ApiAnswer) => told(answer).map(({ status: what, rule }) => [what, rule].filter(Boolean).join(': '));
  checks.same('what an array is told', verdicts(batch), ['accepted', 'quarantined: range', 'accepted']);
  const lines = await world.post(
    `${JSON.stringify(reading('j', 1, 1))}\n{"sensor":\n{"sensor":{"toString":0,"valueOf":0}}`,
    'application/x-ndjson',
  );
  checks.same('what lines are told', verdicts(lines), ['accepted', 'quarantined: syntax', 'quarantined: type']);
  const refused = await Promise.all([
    world.post('{"sensor":', 'application/json'),
    world.post(Array(501).fill({})),
    world.post('a', 'text/csv'),
    world.post(Buffer.from(JSON.stringify(reading('é', 1, 1)), 'latin1'), 'application/json'),
    world.post(Buffer.from(JSON.stringify(reading('é', 1, 1)), 'latin1'), 'application/x-ndjson; charset=iso-8859-1'),
  ]);
  checks.same(
    'bodies that are refused',
    refused.map((answer) => answer.status),
    [400, 413, 415, 400, 400],
  );

  const rows = await world.accounted(17);
  const sum = (field: 'read' | 'valid' | 'quarantined') => rows.reduce((total, { counts }) => total + counts![field], 0);
  checks.same('the intake judges as the answers said [D4]', [sum('read'), sum('valid'), sum('quarantined')], [17, 11, 6]);
  const version = await world.version();
  checks.same('of one primary key the later record of a request counts', version.lines.slice(-4), [
    'e,2026-03-01T10:01:00Z,5',
    'h,2026-03-01T10:01:00Z,1',
    'h,2026-03-01T10:02:00Z,3',
    'j,2026-03-01T10:01:00Z,1',
  ]);
}

async function main(): Promise<void> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`Interrupted: ${signal}`)));
  }
  const folder = mkdtempSync(join(tmpdir(), 'stream-intake-'));
  try {
    const account = await startAccount({ stateDir: join(folder, 'state'), signal: abort.signal });
    try {
      await deploy(account, abort.signal);
      const world = new Readings(account.url);
      await checks.part('a dataset fed by files, a stream and HTTP deploys', () => world.connect(account));
      await checks.part('records of a stream [D8]', () => scenario(world));
      await checks.part('records by HTTP [D8]', () => byHttp(world));
      await checks.part('queries of both versions [D7]', async () =>
        queries(checks, await world.athena('Analyst'), await world.athena('Stranger'), world.versions),
      );
    } finally {
      await account.stop();
    }
  } finally {
    if (process.env.KEEP_LOGS === undefined) {
      rmSync(folder, { recursive: true, force: true });
    } else {
      console.log(folder);
    }
  }
}

checks.conclude(main);
