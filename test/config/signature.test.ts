import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { loadBlueprint } from '../../lib/config/load';
import { FeatureStack } from '../../lib/stacks/feature-stack';
import { IntegrationStack } from '../../lib/stacks/integration-stack';
import { CONTEXT } from '../support/synth';

const root = resolve(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'signature-'));
const dev = readFileSync(join(root, 'config/dev.yaml'), 'utf8').replaceAll('../examples', join(root, 'examples'));
let count = 0;

function load(text: string) {
  const file = join(folder, `${count++}.yaml`);
  writeFileSync(file, text);
  return loadBlueprint(file);
}

const told = (text: string) => {
  const config = load(text);
  const app = new App({ context: CONTEXT });
  const stack = new IntegrationStack(app, 'Integration', config, { features: new FeatureStack(app, 'Features', config).store });
  const functions = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function'));
  return JSON.parse(functions.map(({ Properties }) => Properties.Environment?.Variables.MODEL_SIGNATURES).find(Boolean));
};

describe('endpoints.<name>.signature [W7]', () => {
  test.each(['dev', 'prod'])('config/%s.yaml gives what the example takes, as its own code says', (stage) => {
    const { inputs, outputs } = loadBlueprint(join(root, `config/${stage}.yaml`)).endpoints.delay.signature!;
    const code = readFileSync(join(root, 'examples/flight-delays/model/package/code/features.py'), 'utf8');
    const fields = [...code.matchAll(/^ {4}"(\w+)": "([A-Z0-9]+)",$/gm)].map(([, name, datatype]) => ({ name, datatype, shape: [-1] }));
    const [, aggregate] = /^AGGREGATE = "(\w+)"$/m.exec(code)!;
    expect(inputs).toEqual([...fields, { name: aggregate, datatype: 'FP64', shape: [-1], feature: aggregate }]);
    expect(outputs.map(({ name }) => name)).toEqual(['late_probability', 'warn']);
  });

  test('reaches the API, and a model without one is told without', () => {
    expect(Object.keys(told(dev))).toEqual(['delay']);
    expect(told(dev).delay.inputs).toHaveLength(7);
    expect(told(dev.replace(/ {4}signature:[\s\S]*$/, ''))).toEqual({});
  });

  test.each([
    [
      'a decision that is no output',
      dev.replace('name: warn,', 'name: warm,'),
      /objective.decisionOutput: 'warn' is no output: did you mean 'warm'\? \(endpoints.delay.signature\)/,
    ],
    ['a decision that is no BOOL', dev.replace('BOOL', 'FP64'), /objective.decisionOutput: 'warn' is FP64, but a decision is BOOL/],
    [
      'a tensor twice',
      dev.replace('name: weekday', 'name: minute_of_day'),
      /line \d+, endpoints.delay.signature.inputs.1.name: repeats 'minute_of_day'/,
    ],
    ['an unknown datatype', dev.replace('INT32', 'INT33'), /endpoints.delay.signature.inputs.0.datatype: .*"INT32".*got 'INT33'/],
    ['the length 0', dev.replace('[-1]', '[0]'), /signature.inputs.0.shape.0: must be a length from 1, or -1 for any, got '0'/],
    ['no outputs', dev.replace(/outputs:[\s\S]*$/, 'outputs: []\n'), /signature.outputs: name at least one tensor/],
    ['a misspelt key', dev.replace('datatype:', 'datatyp:'), /signature.inputs.0.datatyp: unknown key: did you mean 'datatype'\?/],
  ])('fails on %s and says where and what is allowed', (_, text, message) => {
    expect(() => load(text)).toThrow(message);
  });

  test('asks a decision only of the models that the objective counts', () => {
    const other = dev.replace('model: delay', 'model: other').replace('name: warn,', 'name: warm,');
    const second = other + dev.slice(dev.indexOf('  delay: #')).replace('  delay: #', '  other: #');
    expect(Object.keys(load(second).endpoints)).toEqual(['delay', 'other']);
    expect(() => load(second.replace('  model: other\n', ''))).toThrow(/'warn' is no output/);
  });
});
