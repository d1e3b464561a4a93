import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DescribeAlarmsCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { paginateListFunctions, UpdateFunctionCodeCommand } from '@aws-sdk/client-lambda';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { ListModelPackagesCommand } from '@aws-sdk/client-sagemaker';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { paginateScan, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { build, Plugin } from 'esbuild';
import { COLUMNS } from '../../examples/flight-delays/flights';
import { aprilTraffic } from '../../examples/flight-delays/traffic';
import { currentAccount } from '../../local/account-state';
import { sleep } from '../../local/processes';
import { apiClient, clientsFor, localApiUrl } from '../../local/start/clients';
import { PYTHON, ROOT, until } from './programs';

/** Puts the module in test/e2e/mutant-account into the account that is started next. */
export const prepareMutants = (): string => (process.env.ACCOUNT_MODULES = join(ROOT, 'test/e2e/mutant-account'));

/** Real seconds of a platform minute of the account that `npm start` makes. */
const PLATFORM_MINUTE = 3;
/** Evaluations for which a state has to last before the verifier misses it, and one in which the first datapoints come. */
const SEEN_BEYOND = 3;

/** The kept account, as report.json describes it. */
export class Kept {
  public readonly clients: ReturnType<typeof clientsFor>;
  public readonly outputs: Record<string, string>;
  public readonly alarm: string;
  public readonly api: ReturnType<typeof apiClient>;
  public readonly pid: number;
  public readonly log: string;

  constructor(private readonly stateDir: string) {
    const report = JSON.parse(readFileSync(join(stateDir, 'report.json'), 'utf8'));
    this.clients = clientsFor(report.url);
    this.outputs = report.outputs;
    this.alarm = report.outage.alarm;
    this.api = apiClient(localApiUrl(report.url, this.outputs.ApiUrl));
    this.pid = currentAccount(stateDir)!.pid!;
    this.log = join(stateDir, 'account.log');
  }

  /** The container behind the endpoint, as the host tells its operator. */
  public container(): { pid: number; healthy: boolean; folder: string } {
    const hosts = JSON.parse(readFileSync(join(this.stateDir, 'endpoints.json'), 'utf8'));
    const { variants } = hosts[this.alarm.replace(/-unhealthy$/, '')];
    const { pid, healthy, log } = (Object.values(variants)[0] as { pid: number; healthy: boolean; log: string }[])[0];
    return { pid, healthy, folder: join(this.stateDir, 'instances', basename(log, '.log')) };
  }
}

const instead = (filter: RegExp, contents: string): Plugin => ({
  name: 'constant',
  setup: (bundle) => bundle.onLoad({ filter }, () => ({ contents, loader: 'ts' })),
});

/** The rules of the intake's validator say yes to every value; all else is the real handler. */
const YES = instead(
  /runtime[\\/]intake[\\/]rules\.ts$/,
  readFileSync(join(ROOT, 'runtime/intake/rules.ts'), 'utf8').replace('export function compileChecks(', 'export function trueChecks(') +
    'export const compileChecks = (contract: CompiledContract) => contract.columns.map(() => () => undefined);',
);

/** The gate lets everything pass. */
const PASS = instead(
  /runtime[\\/]quality-gate[\\/]core\.ts$/,
  'export const judge = () => ({ passed: true, reasons: [], figures: { averagePrecision: 1 } }); export const unsuppliable = () => [];',
);

/** Whatever departures say, the last hour was seven minutes late. */
const SEVEN = instead(
  /runtime[\\/]features[\\/]core\.ts$/,
  readFileSync(join(ROOT, 'runtime/features/core.ts'), 'utf8').replace('export function aggregated(', 'export function trueAggregate(') +
    'export const aggregated = () => 7;',
);

/** Deploys a validator that accepts everything and sends it a file with one good and one bad record; returns how many it booked as valid. */
export async function acceptEverything({ clients, outputs }: Kept): Promise<number> {
  const FunctionName = await functionWith(clients, ['CONTRACT_KEY', 'LEDGER_TABLE', 'QUARANTINE_BUCKET', 'SPLIT_MACHINE']);
  await clients.lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: await mutantBundle('runtime/intake/handler.ts', YES) }));
  const good = '2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z';
  const bad = good.replace('1400', 'far').replace('1545', '1546');
  const Key = 'flights/sent-after-the-run.csv';
  const Body = [COLUMNS.join(','), good, bad, ''].join('\n');
  await clients.s3.send(new PutObjectCommand({ Bucket: outputs.RawBucket, Key, Body, ContentType: 'text/csv' }));
  return until(`the ledger's final row for ${Key}`, 60, async () => {
    for await (const { Items = [] } of paginateScan(
      { client: clients.dynamo },
      { TableName: outputs.flightsLedger, ConsistentRead: true },
    )) {
      const row = Items.find(({ key, state }) => key === Key && state === 'accounted');
      if (row !== undefined) {
        return row.counts.valid as number;
      }
    }
    return undefined;
  });
}

async function functionWith(clients: Kept['clients'], variables: string[]): Promise<string> {
  for await (const { Functions = [] } of paginateListFunctions({ client: clients.lambda }, {})) {
    const found = Functions.find(({ Environment }) => {
      const names = Object.keys(Environment?.Variables ?? {});
      return variables.every((name) => names.includes(name));
    });
    if (found !== undefined) {
      return found.FunctionName!;
    }
  }
  throw new Error(`no deployed function has ${variables.join(', ')} in its environment`);
}

/** Zipped code of a handler in which a plugin has replaced a module. */
async function mutantBundle(handler: string, plugin: Plugin): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'));
  try {
    const entryPoints = [join(ROOT, handler)];
    const target = { platform: 'node', target: 'node20', format: 'cjs' } as const;
    await build({ entryPoints, outfile: join(folder, 'index.js'), bundle: true, plugins: [plugin], logLevel: 'warning', ...target });
    execFileSync(PYTHON, ['-m', 'zipfile', '-c', 'code.zip', 'index.js'], { cwd: folder });
    return readFileSync(join(folder, 'code.zip'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Deploys a gate that lets everything pass, and has the candidate that was refused trained and judged once more. Returns how many versions
 * that registered.
 */
export async function passEverything({ clients, outputs }: Kept): Promise<number> {
  const FunctionName = await functionWith(clients, ['GATE_RULES']);
  await clients.lambda.send(
    new UpdateFunctionCodeCommand({ FunctionName, ZipFile: await mutantBundle('runtime/quality-gate/handler.ts', PASS) }),
  );
  const group = { ModelPackageGroupName: outputs.delayRegistry, MaxResults: 100 };
  const versions = async () => (await clients.sageMaker.send(new ListModelPackagesCommand(group))).ModelPackageSummaryList!.length;
  const before = await versions();
  const { Items = [] } = await clients.dynamo.send(new ScanCommand({ TableName: outputs.delayTrainingRuns, ConsistentRead: true }));
  const { plan } = Items.find(({ state }) => state === 'refused')!;
  // Jobs and folders of another attempt; the run is the same.
  const again = JSON.stringify(plan)
    .replaceAll(`${plan.runId}/1`, `${plan.runId}/2`)
    .replaceAll('-1-', '-2-')
    .replace('"attempt":1', '"attempt":2');
  const started = { stateMachineArn: outputs.delayTrainingMachine, input: again };
  const { executionArn } = await clients.sfn.send(new StartExecutionCommand(started));
  const status = await until('the end of the training', 180, async () => {
    const found = await clients.sfn.send(new DescribeExecutionCommand({ executionArn }));
    return found.status === 'RUNNING' ? undefined : found.status;
  });
  if (status !== 'SUCCEEDED') {
    throw new Error(`the training that the mutant gate judged is ${status}`);
  }
  return (await versions()) - before;
}

/** Deploys an API that tells the model a constant of the last hour, and asks about one more flight. Returns the prediction's status. */
export async function tellConstant({ clients, api }: Kept): Promise<number> {
  const FunctionName = await functionWith(clients, ['MODEL_SIGNATURES', 'FEATURE_TABLE']);
  await clients.lambda.send(
    new UpdateFunctionCodeCommand({ FunctionName, ZipFile: await mutantBundle('runtime/inference-api/handler.ts', SEVEN) }),
  );
  const [{ request }] = await aprilTraffic();
  return (await api('POST', '/v2/models/delay/infer', { ...request, id: '2013-4-1-ZZ-2-EWR', parameters: {} })).status;
}

const CONSTANT = `

def predict_fn(request, model):
    return {"id": request["id"], "version": model["version"], "probability": np.array([0.5]), "warn": np.array([True])}
`;

/** Lets the container answer a constant from its next start on, kills it, waits for the host, and asks about one more flight. */
export async function answerConstant(kept: Kept): Promise<unknown> {
  const before = kept.container();
  appendFileSync(join(before.folder, 'model/code/inference.py'), CONSTANT);
  process.kill(before.pid, 'SIGKILL');
  await until("the container's restart", 90, () => {
    const now = kept.container();
    return Promise.resolve(now.pid !== before.pid && now.healthy ? now.pid : undefined);
  });
  const [{ request }] = await aprilTraffic();
  const { status, body } = await kept.api('POST', '/v2/models/delay/infer', { ...request, id: '2013-4-1-ZZ-1-EWR', parameters: {} });
  if (status !== 200) {
    throw new Error(`the mutant model answered ${status}: ${JSON.stringify(body)}`);
  }
  return (body as { outputs: { data: unknown[] }[] }).outputs[0].data[0];
}

/** What a metric of the endpoint says of one request that its container failed, as SageMaker publishes it. */
const FAILED_REQUEST: Record<string, number> = { Invocations: 1, InvocationModelErrors: 1, Invocation5XXErrors: 1, Invocation4XXErrors: 0 };

/**
 * Replaces the evaluator of the running account by one that always says OK, then publishes a failed request each second for as long as the
 * alarm on errors needs to see. Returns the states of that alarm and of the page after it.
 */
export async function alwaysOk({ clients, alarm, pid, log }: Kept): Promise<unknown> {
  process.kill(pid, 'SIGUSR1');
  await until("the evaluator's replacement", 20, () =>
    Promise.resolve(readFileSync(log, 'utf8').includes('answers OK to everything from now on') ? true : undefined),
  );
  const names = {
    AlarmNames: [alarm.replace(/unhealthy$/, 'errors'), alarm],
    AlarmTypes: ['MetricAlarm' as const, 'CompositeAlarm' as const],
  };
  const described = () => clients.cloudWatch.send(new DescribeAlarmsCommand(names));
  const [{ EvaluationPeriods, Metrics = [] }] = (await described()).MetricAlarms!;
  const watched = Metrics.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric!]));
  const seconds = (EvaluationPeriods! + SEEN_BEYOND) * PLATFORM_MINUTE;
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(1000)) {
    const MetricData = watched.map(({ MetricName, Dimensions }) => ({
      MetricName,
      Dimensions,
      Value: FAILED_REQUEST[MetricName!],
      Timestamp: new Date(),
    }));
    await clients.cloudWatch.send(new PutMetricDataCommand({ Namespace: watched[0].Namespace, MetricData }));
  }
  const { MetricAlarms = [], CompositeAlarms = [] } = await described();
  return [...MetricAlarms, ...CompositeAlarms].map(({ StateValue }) => StateValue);
}
