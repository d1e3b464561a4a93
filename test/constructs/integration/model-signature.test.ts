import { Template } from 'aws-cdk-lib/assertions';
import { InferenceApi, InferenceApiProps, ModelSignature, PredictionBus, TensorSignature } from '../../../lib/constructs/integration';
import { decisionProblems } from '../../../lib/constructs/integration/model-signature';
import { synth } from '../../support/synth';

const build = (over: Partial<InferenceApiProps>, more: (api: InferenceApi) => void = () => undefined) =>
  synth((stack) => {
    const { bus } = new PredictionBus(stack, 'Bus', { busName: 'flights-dev' });
    const api = new InferenceApi(stack, 'Api', { endpointPrefix: 'flights-dev-', apiName: 'flights-dev', bus, ...over });
    more(api);
    return api;
  });
const told = (template: Template) =>
  Object.values(template.findResources('AWS::Lambda::Function'))
    .map(({ Properties }) => Properties.Environment?.Variables.MODEL_SIGNATURES)
    .find(Boolean);
const distance: TensorSignature = { name: 'distance', datatype: 'FP64', shape: [-1] };
const warn: TensorSignature = { name: 'warn', datatype: 'BOOL', shape: [-1] };
const signature: ModelSignature = { inputs: [distance], outputs: [warn] };

describe('signatures of models', () => {
  test('reach the handler whether they come with the API or later', () => {
    const { template } = build({ signatures: { delay: signature } }, (api) => api.addSignature('fare', signature));
    expect(JSON.parse(told(template))).toEqual({ delay: signature, fare: signature });
    expect(told(build({}).template)).toBe('{}');
  });

  test.each<[Partial<TensorSignature>, string]>([
    [{ name: '' }, "'signatures.delay.inputs[0].name' is empty"],
    [{ datatype: 'FP65' }, "'signatures.delay.inputs[0].datatype' must be a data type, got 'FP65': did you mean 'FP"],
    [{ datatype: 'float' }, "must be a data type, got 'float': known: BOOL, UINT8"],
    [{ shape: [] }, "'signatures.delay.inputs[0].shape' must be lengths from 1, or -1 for any, got []"],
    [{ shape: [0] }, 'must be lengths from 1, or -1 for any, got [0]'],
    [{ shape: [-2] }, 'must be lengths from 1, or -1 for any, got [-2]'],
    [{ shape: [1.5] }, 'must be lengths from 1, or -1 for any, got [1.5]'],
  ])('fails on the tensor %j and says what is allowed', (change, message) => {
    expect(() => build({ signatures: { delay: { inputs: [{ ...distance, ...change }], outputs: [] } } })).toThrow(message);
  });

  test('takes the shapes [1] and [-1, 3]', () => {
    const inputs = [
      { ...distance, shape: [1] },
      { ...warn, shape: [-1, 3] },
    ];
    expect(() => build({ signatures: { delay: { inputs, outputs: [] } } })).not.toThrow();
  });

  test('fails on no input, on a name twice and on a name that no model has, all at once', () => {
    expect(() => build({ signatures: { Delay: { inputs: [], outputs: [warn, warn] } } })).toThrow(
      /^InvalidInferenceApi: 'signatures' must be 1 to 40 .*, got 'Delay'; 'signatures.Delay.inputs' is empty: .*; 'signatures.Delay.outputs\[1\].name' repeats 'warn' \[at Test\/Api\]$/,
    );
  });

  test('fails on a second signature of a model, and on one that is too long together with the others', () => {
    const long = (letters: number) => ({ inputs: [{ ...distance, name: 'x'.repeat(letters) }], outputs: [] });
    expect(() => build({ signatures: { delay: signature } }, (api) => api.addSignature('delay', signature))).toThrow(
      "InvalidSignature: 'delay' has a signature already: give it once [at Test/Api]",
    );
    expect(() => build({ signatures: { delay: long(1500) } }, (api) => api.addSignature('fare', long(500)))).not.toThrow();
    expect(() => build({ signatures: { delay: long(1500) } }, (api) => api.addSignature('fare', long(1000)))).toThrow('at most 2500 fit');
    expect(() => build({}, (api) => api.addSignature('Fare', signature))).toThrow("InvalidSignature: 'model' must be 1 to 40");
  });
});

describe('the decision that an objective counts', () => {
  test.each<[string, TensorSignature[], string[]]>([
    ['warn', [distance, warn], []],
    ['warning', [warn], ["'warning' is no output: known: warn"]],
    ['warm', [warn], ["'warm' is no output: did you mean 'warn'?"]],
    ['warn', [], ["'warn' is no output: known: none"]],
    ['distance', [distance], ["'distance' is FP64, but a decision is BOOL"]],
  ])('%s of %j', (name, outputs, problems) => {
    expect(decisionProblems(name, outputs)).toEqual(problems);
  });
});
