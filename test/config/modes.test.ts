import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse, parseDocument } from 'yaml';
import { loadBlueprint } from '../../lib/config/load';

const root = resolve(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'modes-'));
let count = 0;

/** config/chat.yaml with values at other places; undefined removes one. */
function load(changes: Record<string, unknown> = {}) {
  const document = parseDocument(
    readFileSync(join(root, 'config/chat.yaml'), 'utf8').replaceAll(': capacity/', `: ${root}/config/capacity/`),
  );
  for (const [path, value] of Object.entries(changes)) {
    document.setIn(path.split('.'), value);
    if (value === undefined) {
      document.deleteIn(path.split('.'));
    }
  }
  const file = join(folder, `${count++}.yaml`);
  writeFileSync(file, document.toString());
  return loadBlueprint(file);
}

const COMPONENT = 'endpoints.chat.components.qwen3-8b';
const DRAFTS = 'endpoints.drafts';
/** The endpoint of the dev config, told nothing: this file declares no features. */
function realtime() {
  const { delay } = parse(readFileSync(join(root, 'config/dev.yaml'), 'utf8')).endpoints;
  const inputs = delay.signature.inputs.filter(({ feature }: { feature?: string }) => feature === undefined);
  return { ...delay, signature: { ...delay.signature, inputs } };
}

describe('modes of endpoints in the file [W7, S1]', () => {
  test('config/chat.yaml has a component and an asynchronous endpoint, and neither objective nor data', () => {
    const config = loadBlueprint(join(root, 'config/chat.yaml'));
    expect(Object.keys(config.endpoints)).toEqual([]);
    expect(Object.keys(config.asyncEndpoints)).toEqual(['drafts']);
    expect(Object.keys(config.componentEndpoints.chat.components)).toEqual(['qwen3-8b']);
    expect(config.objective).toBeUndefined();
    expect(config.data.contracts).toEqual([]);
  });

  test('paths of models and capacity files are relative to the file, whatever the mode', () => {
    const capacity = join(root, 'config/capacity/qwen3-8b.json');
    const config = load({ [`${DRAFTS}.model`]: { asset: '.' }, [`${COMPONENT}.model`]: { asset: '.' } });
    expect(config.asyncEndpoints.drafts.model.asset).toBe(folder);
    expect(config.componentEndpoints.chat.components['qwen3-8b'].model.asset).toBe(folder);
    expect(loadBlueprint(join(root, 'config/chat.yaml')).componentEndpoints.chat.components['qwen3-8b'].copies.capacity).toBe(capacity);
  });

  test.each([
    ['a mode that is none', { 'endpoints.chat.mode': 'shared' }, /endpoints.chat.mode: .*'realtime'.*'async'.*'component'.*, got 'shared'/],
    [
      'a key of another mode',
      { [`${DRAFTS}.captureSamplingPercent`]: 5 },
      /endpoints.drafts.captureSamplingPercent: unknown key: allowed here: mode, model/,
    ],
    ['a misspelt key of a mode', { [`${DRAFTS}.keepDay`]: 5 }, /endpoints.drafts.keepDay: unknown key: did you mean 'keepDays'\?/],
    ['a misspelt key of a component', { [`${COMPONENT}.copys`]: 1 }, /components.qwen3-8b.copys: unknown key: did you mean 'copies'\?/],
    ['an endpoint without components', { 'endpoints.chat.components': {} }, /endpoints.chat.components: name at least one component/],
    ['more instances at least than at most', { 'endpoints.chat.instances': { min: 3, max: 2 } }, /chat.instances: min is above max/],
    [
      'copies fixed and not',
      { [`${COMPONENT}.copies`]: { fixed: 1, min: 0, max: 2 } },
      /copies: give either fixed, or min, max and capacity, concurrency or both/,
    ],
    [
      'fixed copies that follow something',
      { [`${COMPONENT}.copies`]: { fixed: 1, concurrency: 4 } },
      /copies: concurrency goes with min and max, not with fixed/,
    ],
    [
      'a fixed fleet with a backlog',
      { [`${DRAFTS}.scaling`]: { fixed: 1, backlogPerInstance: 4 } },
      /scaling: backlogPerInstance goes with min and max/,
    ],
    [
      'two sources',
      { [`${COMPONENT}.model`]: { asset: '.', s3Prefix: 's3://models/a/' } },
      /model: give exactly one of asset, tarball, s3Prefix, huggingFace/,
    ],
    [
      'training that no release reaches',
      { [`${DRAFTS}.model`]: { training: {} } },
      /drafts.model.training: unknown key: allowed here: asset, tarball/,
    ],
    ['a prefix that is none', { [`${DRAFTS}.model`]: { s3Prefix: 's3://models/a' } }, /s3Prefix: must look like s3:\/\/bucket\/prefix\//],
    [
      'a branch of the hub',
      { [`${DRAFTS}.model`]: { huggingFace: { id: 'a/b', revision: 'main' } } },
      /revision: must be a commit of 40 hexadecimal digits.*got 'main'/,
    ],
    ['a type that nobody knows', { [`${DRAFTS}.instance`]: 'ml.g6.2xlage' }, /drafts.instance: .*did you mean 'ml.g6.2xlarge'/],
    ['GPUs without Region', { region: undefined }, /region: is missing: endpoint 'drafts' has GPUs/],
    [
      'a capacity file that is not there',
      { [`${COMPONENT}.copies.capacity`]: 'no.json' },
      /components.qwen3-8b.copies.capacity: there is no '.*no.json'/,
    ],
    ['a folder that is not there', { [`${COMPONENT}.model`]: { asset: 'no' } }, /components.qwen3-8b.model.asset: there is no '.*no'/],
    ['a contract that nobody trains on', { 'data.contracts': ['chat.yaml'] }, /data.contracts: goes with a real-time endpoint/],
    ['a variable that is none', { [`${COMPONENT}.environment`]: { 'A-B': 'x' } }, /environment/],
  ])('fails on %s', (_what, changes, message) => {
    expect(() => load(changes)).toThrow(message);
  });

  test('fails on a real-time endpoint without objective and data, with both problems at once', () => {
    const delay = { ...realtime(), model: { tarball: 's3://models/delay/model.tar.gz' } };
    expect(() => load({ 'endpoints.delay': delay })).toThrow(
      /has 2 problems:\n.*objective: is missing and required: endpoint 'delay'[^]*data.contracts: is missing and required: endpoint 'delay'/,
    );
  });

  test('fails on variables beside a model of the registry, which brings its own', () => {
    expect(() => load({ 'endpoints.delay': { ...realtime(), environment: { A: 'b' } } })).toThrow(
      /endpoints.delay: environment does not go with model.training/,
    );
  });

  test('fails in prod on models that containers would download, once for each', () => {
    expect(() => load({ stage: 'prod' })).toThrow(
      /has 2 problems:[^]*drafts.model.huggingFace: must be staged in prod: `npm run stage-model`[^]*qwen3-8b.model.huggingFace/,
    );
  });
});
