import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { loadBlueprint } from '../../lib/config/load';
import { blueprintJsonSchema } from '../../lib/config/schema';
import Ajv from 'ajv/dist/2020';
import addFormats from 'ajv-formats';

const root = resolve(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'config-'));
const dev = readFileSync(join(root, 'config/dev.yaml'), 'utf8').replaceAll('../examples', join(root, 'examples'));
let count = 0;

function load(text: string) {
  const file = join(folder, `${count++}.yaml`);
  writeFileSync(file, text);
  return loadBlueprint(file);
}

/** dev.yaml with one value set, or removed when undefined. */
function withValue(path: string, value: unknown): string {
  const config = parse(dev);
  const keys = path.split('.');
  const parent = keys.slice(0, -1).reduce((node, key) => node[key], config);
  if (value === undefined) {
    delete parent[keys.at(-1)!];
  } else {
    parent[keys.at(-1)!] = value;
  }
  return stringify(config);
}

const trained = (over: object) =>
  withValue('endpoints.delay.model', {
    training: { dataset: 'flights', code: '.', eventTime: ['time_hour'], purpose: 'p', intendedUses: 'u', limits: 'l', ...over },
  });

/** Another model on the same data, whose labels come a day later. */
function twoModels(): string {
  const config = parse(trained({}));
  const { model, ...rest } = config.endpoints.delay;
  config.endpoints.other = { ...rest, model: { training: { ...model.training, labelDelayDays: 1 } } };
  return stringify(config);
}

describe('blueprint config [W7]', () => {
  test.each(['dev', 'prod'])('config/%s.yaml is valid and resolves its files', (stage) => {
    const config = loadBlueprint(join(root, `config/${stage}.yaml`));
    expect(config.stage).toBe(stage);
    expect(config.data.contracts).toEqual([join(root, 'examples/flight-delays/contracts/flights.odcs.yaml')]);
  });

  test('the committed JSON Schema is the one that the code has: run `npm run config:schema` after a change', () => {
    expect(JSON.parse(readFileSync(join(root, 'config/blueprint.schema.json'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(blueprintJsonSchema())),
    );
  });

  test.each(['dev', 'prod'])('config/%s.yaml names the schema for editors and satisfies it', (stage) => {
    const text = readFileSync(join(root, `config/${stage}.yaml`), 'utf8');
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./blueprint.schema.json');
    const ajv = addFormats(new Ajv({ strict: false }));
    const valid = ajv.validate(JSON.parse(readFileSync(join(root, 'config/blueprint.schema.json'), 'utf8')), parse(text));
    expect(ajv.errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  test.each([
    ['a misspelt key', dev.replace('budget:', 'budgget:'), /line \d+, budgget: unknown key: did you mean 'budget'\?/],
    [
      'a misspelt nested key',
      dev.replace('instance:', 'instnce:'),
      /line \d+, endpoints.delay.instnce: unknown key: did you mean 'instance'\?/,
    ],
    [
      'a misspelt key in a list',
      dev.replace('{ queue: flight-data', '{ queu: flight-data'),
      /teams.flight-data.page.0.queu: unknown key: did you mean 'queue'\?/,
    ],
    ['a key that resembles none', withValue('zzz', 1), /zzz: unknown key: allowed here: version, workload, stage/],
    ['a missing owner', withValue('owners.serving', undefined), /owners.serving: is missing and required/],
    ['no owners at all', withValue('owners', undefined), /owners: is missing and required/],
    [
      'an owner that is no team',
      withValue('owners.data', 'flight-dta'),
      /owners.data: 'flight-dta' is no team: did you mean 'flight-data'\?/,
    ],
    ['a team without destination', withValue('teams.ml-platform.page', []), /teams.ml-platform.page: give at least one destination/],
    [
      'a destination with two meanings',
      withValue('teams.ml-platform.page', [{ email: 'a@b.example', queue: 'q' }]),
      /give exactly one of email, queue, queueArn/,
    ],
    ['another version', withValue('version', 2), /version: this release reads version 1, got '2'/],
    ['another stage', withValue('stage', 'test'), /stage: .*"dev"\|"prod", got 'test'/],
    [
      'prod without Region',
      withValue('stage', 'prod')
        .replace(/clock: .*\n/, '')
        .replace('deleteDataWithStack: true', 'deleteDataWithStack: false'),
      /region: is missing: prod/,
    ],
    ['a GPU without Region', withValue('endpoints.delay.instance', 'ml.g5.xlarge'), /region: is missing: endpoint 'delay' has GPUs/],
    ['an account that is a number', withValue('account', 123), /account: /],
    ['prod with a replayed clock', withValue('stage', 'prod'), /clock: must be 'real' in prod/],
    ['prod that deletes data', withValue('stage', 'prod'), /deleteDataWithStack: must be false in prod/],
    [
      'raw kept shorter than quarantine',
      withValue('data.rawRetentionDays', 10),
      /rawRetentionDays: must be at least quarantineRetentionDays \(365\)/,
    ],
    [
      'a contract that is not there',
      withValue('data.contracts', ['nowhere.yaml']),
      /data.contracts.0: there is no '.*nowhere.yaml': paths are relative/,
    ],
    [
      'two ways of scaling',
      withValue('endpoints.delay.scaling', { fixed: 1, min: 1, max: 2 }),
      /scaling: give either fixed, or min, max and capacity/,
    ],
    ['a fleet upside down', withValue('endpoints.delay.scaling', { min: 3, max: 2 }), /scaling: min is above max/],
    [
      'a guard of a fixed fleet',
      withValue('endpoints.delay.scaling', { fixed: 1, concurrency: 4 }),
      /scaling: concurrency goes with min and max, not with fixed/,
    ],
    [
      'tokens of a fixed fleet',
      withValue('endpoints.delay.scaling', { fixed: 1, tokenMetric: { namespace: 'chat', name: 'Tokens' } }),
      /scaling: tokenMetric goes with min and max, not with fixed/,
    ],
    [
      'tokens of a metric without a name',
      withValue('endpoints.delay.scaling', { min: 1, max: 2, capacity: 'c.json', tokenMetric: { namespace: 'chat' } }),
      /scaling.tokenMetric.name: /,
    ],
    [
      'schedules of a fixed fleet',
      withValue('endpoints.delay.scaling', { fixed: 1, schedules: [{ name: 'day', cron: '0 7 * * ? *', min: 2 }] }),
      /scaling: schedules go with min and max, not with fixed/,
    ],
    ...[
      [{ name: 'day', min: 2 }, /schedules.0: give either cron or at/],
      [{ name: 'day', cron: '0 7 * * ? *' }, /schedules.0: give min, max or both/],
      [{ name: 'day', cron: '0 7 * * ?', min: 2 }, /schedules.0.cron: must have six fields/],
      [{ name: 'day', at: 'tomorrow', min: 2 }, /schedules.0.at: must look like/],
      [
        { name: 'day', cron: '0 7 * * ? *', min: 2, timeZone: 'Europe/Berln' },
        /schedules.0.timeZone: must be a time zone.*got 'Europe\/Berln'/,
      ],
    ].map(([schedule, message]): [string, string, RegExp] => [
      `a schedule that is none: ${JSON.stringify(schedule)}`,
      withValue('endpoints.delay.scaling', { min: 1, max: 2, schedules: [schedule] }),
      message as RegExp,
    ]),
    [
      'two schedules of one name',
      withValue('endpoints.delay.scaling', {
        min: 1,
        max: 2,
        schedules: [
          { name: 'a', cron: '0 7 * * ? *', min: 2 },
          { name: 'a', cron: '0 9 * * ? *', min: 1 },
        ],
      }),
      /scaling.schedules: give each schedule a name of its own/,
    ],
    ['an unknown rollout', withValue('endpoints.delay.rollout', { way: 'slowly' }), /rollout.way: .*got 'slowly'/],
    [
      'a misspelt key of a rollout',
      withValue('endpoints.delay.rollout', { way: 'canary', percnt: 5 }),
      /rollout.percnt: unknown key: did you mean 'percent'/,
    ],
    [
      'a canary of two sizes',
      withValue('endpoints.delay.rollout', { way: 'canary', percent: 10, instances: 1 }),
      /rollout: give percent or instances, not both/,
    ],
    ['a machine image that is none', withValue('endpoints.delay.amiVersion', 'newest'), /amiVersion: must look like .*got 'newest'/],
    [
      'a model of no size',
      withValue('endpoints.delay.modelSize', { tokens: 5, kvBytesPerToken: 1 }),
      /modelSize: give either parameters or weightsGiB/,
    ],
    [
      'half a KV cache',
      withValue('endpoints.delay.modelSize', { parameters: 1e9, tokens: 5 }),
      /modelSize: kvBytesPerToken and tokens go together/,
    ],
    [
      'a precision of weighed weights',
      withValue('endpoints.delay.modelSize', { weightsGiB: 2, precision: 'fp8' }),
      /modelSize: precision goes with parameters/,
    ],
    ['zero instances', withValue('endpoints.delay.scaling', { fixed: 0 }), /scaling.fixed: .*>=1, got '0'/],
    ['no image', withValue('endpoints.delay.image', {}), /image: give exactly one family of images/],
    ['two images', withValue('endpoints.delay.image', { xgboost: '1.7-1', djlLmi: '1' }), /image: give exactly one family of images/],
    [
      'a choice of one',
      withValue('endpoints.delay.image', { xgboost: '1.7-1', accelerator: 'gpu' }),
      /image: accelerator goes with pytorch,/,
    ],
    ['no model', withValue('endpoints.delay.model', {}), /model: give exactly one of training, asset, tarball/],
    [
      'training on an unknown dataset',
      trained({ dataset: 'flight' }),
      /training.dataset: 'flight' is in no contract: did you mean 'flights'\?/,
    ],
    ['training without code', trained({ code: 'nowhere' }), /training.code: there is no '.*nowhere'/],
    ['an unknown training instance', trained({ instance: 'ml.m5.larg' }), /training.instance: .*did you mean 'ml.m5.large'\?/],
    ['two columns of event time', trained({ eventTime: ['year', 'month'] }), /eventTime: give one ISO 8601 column, or year, month and day/],
    [
      'labels that come after their predictions expired',
      trained({ labelDelayDays: 3 }),
      /training.labelDelayDays: must be within labelWindowHours \(48\), got 3 days/,
    ],
    [
      'two models that divide one dataset otherwise',
      twoModels(),
      /endpoints.other.model.training: must have the split of endpoints.delay, eventTime time_hour and labelDelayDays 0: dataset 'flights' has one/,
    ],
    ['a gap that could swallow a month', trained({ labelDelayDays: 28 }), /training.labelDelayDays: .*27.*, got '28'/],
    ['a leak band upside down', trained({ gate: { aucBand: [0.7, 0.6] } }), /gate.aucBand: must rise/],
    ['an unknown network mode', withValue('network', { mode: 'open' }), /network.mode: .*got 'open'/],
    ['the same key twice', `${dev}\nversion: 1\n`, /is not YAML:\n.*Map keys must be unique/],
    ['a file that is not YAML', 'a: [', /is not YAML/],
    ['an empty file', '', /is empty: start from a copy of config\/dev.yaml/],
  ])('fails on %s and says where and what is allowed', (_, text, message) => {
    expect(() => load(text)).toThrow(message);
  });

  test('names every problem at once, each with its line', () => {
    const text = dev.replace('budget:', 'budgget:').replace('stage: dev', 'stage: test');
    expect(() => load(text)).toThrow(/has 3 problems:\n(  line \d+, .*\n?){3}/);
  });

  test('fails on a file that is not there', () => {
    expect(() => loadBlueprint('config/nowhere.yaml')).toThrow(
      "InvalidConfig: there is no file 'config/nowhere.yaml': name one, such as config/dev.yaml",
    );
    expect(() => loadBlueprint('config')).toThrow("InvalidConfig: there is no file 'config'");
  });
});
