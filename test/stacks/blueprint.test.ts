import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import { loadAssembly } from '../../gate/assembly';
import { findings } from '../../gate/gate';
import { CAUSES, EXCUSED } from '../e2e/data-alarms/causes';
import { dataConfig } from '../support/data-config';
import { configLikeDev } from '../support/isolated-config';
import { CONTEXT } from '../support/synth';

const ROOT = resolve(__dirname, '../..');
const STAGES = ['dev', 'prod', 'chat'];
/** Outputs of serving stacks that people read; no stack does. */
const FOR_PEOPLE = ['InputUrl'];
const folders: Record<string, string[]> = {};

/** Synthesizes as the CDK CLI does: the app in a process of its own, told where to write by its environment. */
async function synth(stage: string, config = `config/${stage}.yaml`): Promise<string> {
  const outdir = mkdtempSync(join(tmpdir(), `blueprint-${stage}-`));
  const context = JSON.stringify({ ...CONTEXT, config, 'aws:cdk:version-reporting': false });
  const env = { ...process.env, CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: context };
  await promisify(execFile)(process.execPath, ['--import', 'tsx', 'bin/app.ts'], { cwd: ROOT, env });
  return outdir;
}

interface Alarm {
  Type: string;
  Properties: { AlarmName: string; AlarmDescription: string };
}

/** config/dev.yaml with every way in and out of data, synthesized once: what `npm run scenarios` deploys. */
let withAllData: Promise<string> | undefined;

function dataAssembly(): Promise<string> {
  const make = (folder: string) => synth('data', dataConfig(folder)).finally(() => rmSync(folder, { recursive: true }));
  withAllData ??= make(mkdtempSync(join(tmpdir(), 'blueprint-config-')));
  return withAllData;
}

beforeAll(async () => {
  for (const stage of STAGES) {
    folders[stage] = await Promise.all([synth(stage), synth(stage)]);
  }
}, 180_000);

afterAll(async () => {
  const made = withAllData === undefined ? [] : [await withAllData];
  [...made, ...Object.values(folders).flat()].forEach((folder) => rmSync(folder, { recursive: true }));
});

function files(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? files(path) : [path]));
}

const digests = (folder: string) =>
  Object.fromEntries(files(folder).map((file) => [relative(folder, file), createHash('sha256').update(readFileSync(file)).digest('hex')]));

const templates = (stage: string): [string, Record<string, never>][] =>
  readdirSync(folders[stage][0])
    .filter((name) => name.endsWith('.template.json'))
    .sort()
    .map((name) => [name.replace('.template.json', ''), JSON.parse(readFileSync(join(folders[stage][0], name), 'utf8'))]);

/** Asset hashes and what depends on the version of a tool change without any change of ours. */
const scrubbed = (template: object) => JSON.parse(JSON.stringify(template).replaceAll(/[0-9a-f]{64}/g, '<asset>')) as object;

const spec = loadAwsServiceSpecSync();
const tagInformation = (type: string) => spec.lookup('resource', 'cloudFormationType', 'equals', type)[0]?.tagInformation;
const takesTags = (type: string) => tagInformation(type) !== undefined;

/** Tags are a list, or on some types a map. */
function tagKeys(type: string, properties: Record<string, unknown> = {}): string[] {
  const tags = properties[tagInformation(type)!.tagPropertyName];
  return Array.isArray(tags) ? (tags as { Key: string }[]).map(({ Key }) => Key) : Object.keys(tags ?? {});
}

describe.each(STAGES)('the blueprint of config/%s.yaml', (stage) => {
  test('is the same byte for byte when it is synthesized twice [W8]', () => {
    const [first, second] = folders[stage].map(digests);
    expect(Object.keys(first).length).toBeGreaterThan(10);
    expect(second).toEqual(first);
  });

  test('has the templates of the snapshot, asset hashes aside [W8]', () => {
    for (const [name, template] of templates(stage)) {
      expect(scrubbed(template)).toMatchSnapshot(name);
    }
  });

  test('has no stack above 400 resources [W9]', () => {
    const sizes = templates(stage).map(([name, { Resources }]) => [name, Object.keys(Resources).length] as const);
    expect(sizes.filter(([, size]) => size > 400)).toEqual([]);
    expect(sizes.filter(([, size]) => size === 0)).toEqual([]);
  });

  test('has all logs of state machines below the prefix that needs no entry in a resource policy [row 172]', () => {
    const groups = templates(stage).flatMap(([, { Resources }]) => {
      const all = Object.values<{ Type: string; Properties: { LoggingConfiguration?: { Destinations: unknown } } }>(Resources);
      const machines = all.filter(({ Type }) => Type === 'AWS::StepFunctions::StateMachine');
      const destinations = JSON.stringify(machines.map(({ Properties }) => Properties.LoggingConfiguration!.Destinations));
      const ids = [...destinations.matchAll(/"Fn::GetAtt":\["(\w+)","Arn"\]/g)].map(([, id]) => id);
      expect(ids).toHaveLength(machines.length);
      return ids.map((id) => (Resources[id] as { Properties: { LogGroupName?: string } }).Properties.LogGroupName);
    });
    expect(groups.filter((name) => !/^\/aws\/vendedlogs\/states\/[a-z0-9-]+$/.test(name ?? ''))).toEqual([]);
    expect(new Set(groups).size).toBe(groups.length);
  });

  test('gives no serving stack an output that another stack reads', () => {
    const serving = templates(stage).filter(([name]) => name.startsWith('Serving-'));
    expect(serving.length).toBeGreaterThan(0);
    for (const [, { Outputs }] of serving) {
      expect(Object.keys(Outputs ?? {}).filter((name) => !FOR_PEOPLE.includes(name))).toEqual([]);
    }
  });

  test('tags every resource that takes tags with workload, stage, layer and owner [P1]', () => {
    const untagged = templates(stage).flatMap(([name, { Resources }]) =>
      Object.entries<{ Type: string; Properties?: Record<string, unknown> }>(Resources)
        // The CDK's own provider functions take no tags from their app.
        .filter(([id, { Type }]) => takesTags(Type) && !id.includes('CustomResourceProvider'))
        .map(([id, { Type, Properties }]) => [`${name}/${id} (${Type})`, tagKeys(Type, Properties)] as const)
        .filter(([, keys]) => !['layer', 'owner', 'stage', 'workload'].every((key) => keys.includes(key))),
    );
    expect(untagged).toEqual([]);
  });
});

test('the blueprint is judged by AiWorkloadChecks: an endpoint without data capture is reported [C1]', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'blueprint-config-'));
  const config = configLikeDev(folder, 'no-capture.yaml', (document) =>
    document.setIn(['endpoints', 'delay', 'captureSamplingPercent'], 0),
  );
  const outdir = await synth('no-capture', config);
  const { pluginReports } = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')) as {
    pluginReports: { pluginName: string; violations: { ruleName: string }[] }[];
  };
  const found = pluginReports.map(({ pluginName, violations }) => [pluginName, violations.map(({ ruleName }) => ruleName)]);
  [folder, outdir].forEach((made) => rmSync(made, { recursive: true }));
  expect(found).toEqual([['AiWorkload', ['AiWorkload-EndpointWithoutCapture']]]);
}, 60_000);

test('every way in and out of data adds and changes these resources of config/dev.yaml, and no others, and the gate finds nothing [W8, D7, D8]', async () => {
  const outdir = await dataAssembly();
  const found = await findings(loadAssembly(outdir));
  const resources = (from: string, file: string): Record<string, object> =>
    (scrubbed(JSON.parse(readFileSync(join(from, file), 'utf8')) as object) as { Resources: Record<string, object> }).Resources;
  const dev = folders.dev[0];
  const files = (from: string) => readdirSync(from).filter((name) => name.endsWith('.template.json'));
  const gone = files(dev).flatMap((file) => Object.keys(resources(dev, file)).filter((id) => !(id in resources(outdir, file))));
  for (const file of files(outdir).sort()) {
    const before = files(dev).includes(file) ? resources(dev, file) : {};
    const other = Object.entries(resources(outdir, file)).filter(
      ([id, now]) => id !== 'CDKMetadata' && JSON.stringify(now) !== JSON.stringify(before[id]),
    );
    expect(Object.fromEntries(other)).toMatchSnapshot(file);
  }
  expect(gone).toEqual([]);
  expect(found).toEqual([]);
}, 240_000);

test('every alarm of the data layer is driven by its cause, or excused with a reason, and the first page says how many are which [D9]', async () => {
  const alarms = files(await dataAssembly())
    .filter((file) => file.endsWith('.template.json'))
    .flatMap((file) => Object.values((JSON.parse(readFileSync(file, 'utf8')) as { Resources: Record<string, Alarm> }).Resources))
    .filter(({ Type, Properties }) => /^AWS::CloudWatch::(Composite)?Alarm$/.test(Type) && /^\[data\//.test(Properties.AlarmDescription))
    .map(({ Properties }) => Properties.AlarmName.replace(/^flight-delays-dev-/, ''));
  const driven = [...new Set(CAUSES.flatMap(({ alarms: names, speaker }) => [...names, ...(speaker === undefined ? [] : [speaker])]))];
  expect([...driven, ...Object.keys(EXCUSED)].sort()).toEqual(alarms.sort());
  expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain(
    `${driven.length} of the ${alarms.length} of the data layer by their cause, files that are bad, late or missing and functions that crash (the other ${Object.keys(EXCUSED).length} are`,
  );
}, 240_000);

test('every alarm that a construct of the data layer can register is in it, so that its scenarios drive each [D9, O1]', async () => {
  const assembly = files(await dataAssembly());
  const sources = files(join(ROOT, 'lib/constructs/data')).filter((file) => file.endsWith('.ts'));
  const written = sources.map((file) => readFileSync(file, 'utf8'));
  const ids = [...new Set(written.flatMap((text) => [...text.matchAll(/'(\w+Alarm)'/g)].map(([, id]) => id)))];
  const alarms = assembly
    .filter((file) => file.endsWith('.template.json'))
    .flatMap((file) =>
      Object.entries((JSON.parse(readFileSync(file, 'utf8')) as { Resources: Record<string, { Type: string }> }).Resources),
    )
    .flatMap(([id, { Type }]) => (/^AWS::CloudWatch::(Composite)?Alarm$/.test(Type) ? [id] : []));
  const made = (id: string) => alarms.filter((logical) => new RegExp(`${id}[0-9A-F]{8}$`).test(logical));
  expect(ids.length).toBeGreaterThan(20);
  expect(ids.filter((id) => made(id).length === 0)).toEqual([]);
  // Alarms of whatever reads a stream: the landing, the online table, the writer of features.
  expect(made('BehindAlarm')).toHaveLength(written.filter((text) => /= streamConsumer\(/.test(text)).length);
}, 240_000);
