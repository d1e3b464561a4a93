import { Duration, Lazy, Stack } from 'aws-cdk-lib';
import { FeatureStore, InferenceApi, InferenceApiProps, ModelSignature, PredictionBus } from '../../../lib';
import { synth } from '../../support/synth';
import { DELAY } from '../data/features';
import { statementsOf } from '../data/statements';

type Input = ModelSignature['inputs'][number];
const FEATURE: Input = { name: 'recent', datatype: 'FP64', shape: [-1], feature: 'origin_delay' };
const ORIGIN: Input = { name: 'origin', datatype: 'BYTES', shape: [-1] };
const of = (...inputs: Input[]) => ({ signatures: { delay: { inputs, outputs: [] } } });

const build = (
  given: Partial<InferenceApiProps> = of(ORIGIN, FEATURE),
  stored = true,
  more: (api: InferenceApi) => void = () => undefined,
) =>
  synth((stack: Stack) => {
    const { bus } = new PredictionBus(stack, 'Bus');
    const features = stored ? new FeatureStore(stack, 'Features', { features: [DELAY], keep: Duration.days(2) }) : undefined;
    const api = new InferenceApi(stack, 'Api', { endpointPrefix: 'air-dev-', apiName: 'air-dev', bus, features, ...given });
    more(api);
    return api;
  });

describe('features of an InferenceApi [D8]', () => {
  test('reach the function that asks models, with where they are, how far back and how long it may take', () => {
    const { template, nag } = build({ ...of(ORIGIN, FEATURE), featureTimeout: Duration.millis(50) });
    expect(nag).toEqual([]);
    const functions = Object.entries(template.findResources('AWS::Lambda::Function'));
    const variables = (name: string) => functions.find(([id]) => id.startsWith(`Api${name}`))![1].Properties.Environment.Variables;
    expect(variables('Infer')).toMatchObject({
      FEATURE_TABLE: { Ref: expect.stringMatching(/^Features/) },
      FEATURES: JSON.stringify([DELAY._definition]),
      FEATURE_KEEP_SECONDS: '172800',
      FEATURE_TIMEOUT_MS: '50',
      MODEL_SIGNATURES: expect.stringContaining('"feature":"origin_delay"'),
    });
    expect(Object.keys(variables('Feedback')).filter((name) => name.startsWith('FEATURE'))).toEqual([]);
    const may = statementsOf(template, 'ApiInfer').filter(({ resources }) => resources.join().includes('by-time'));
    expect(may.map(({ actions }) => actions)).toEqual([['dynamodb:Query']]);
  });

  test('raise a ticket when they cannot be looked up, and there is no such alarm without them', () => {
    const alarms = (stored: boolean) =>
      Object.values(build({}, stored).template.findResources('AWS::CloudWatch::Alarm'))
        .map(({ Properties }) => Properties)
        .filter(({ AlarmName }) => AlarmName === 'air-dev-features-unavailable');
    expect(alarms(true)).toEqual([
      expect.objectContaining({
        AlarmDescription: expect.stringMatching(/\[integration\/ticket\].*#features-unavailable$/),
        Namespace: 'AiWorkloads',
        MetricName: 'FeaturesUnavailable',
        Dimensions: [{ Name: 'Api', Value: 'air-dev' }],
        Statistic: 'Sum',
        Period: 300,
        Threshold: 1,
        EvaluationPeriods: 3,
        DatapointsToAlarm: 2,
        TreatMissingData: 'notBreaching',
      }),
    ]);
    expect(alarms(false)).toEqual([]);
  });

  test('take 200 ms at most by default', () => {
    expect(JSON.stringify(build().template.toJSON())).toContain('"FEATURE_TIMEOUT_MS":"200"');
  });

  test('may come with a model that is added later', () => {
    const later = (api: InferenceApi) => api.addSignature('later', of(ORIGIN, FEATURE).signatures.delay);
    expect(() => build({}, true, later)).not.toThrow();
    expect(() => build({}, false, later)).toThrow(
      "'signatures.later' input 'recent' names the feature 'origin_delay', which there is not: give 'features'",
    );
  });
});

describe('checks of features of an InferenceApi', () => {
  test.each<[Partial<InferenceApiProps>, string]>([
    [
      of(ORIGIN, { ...FEATURE, feature: 'origin_dely' }),
      "names the feature 'origin_dely', which there is not: did you mean 'origin_delay'?",
    ],
    [of(ORIGIN, { ...FEATURE, feature: 'weather' }), "names the feature 'weather', which there is not: known: origin_delay"],
    [of(ORIGIN, { ...FEATURE, datatype: 'INT32' }), 'is a feature: it must be FP32 or FP64 of shape [-1], got INT32 of [-1]'],
    [of(ORIGIN, { ...FEATURE, shape: [-1, 2] }), 'got FP64 of [-1, 2]'],
    [of(FEATURE), "input 'recent' is looked up by 'origin', which is no input of one dimension: add it"],
    [of({ ...ORIGIN, shape: [-1, 1] }, FEATURE), "is looked up by 'origin', which is no input of one dimension"],
    [
      of(ORIGIN, FEATURE, { name: 'n', datatype: 'INT64', shape: [1] }),
      "'signatures.delay' has features and the INT64 input 'n', which would be rounded",
    ],
    [{ featureTimeout: Duration.millis(9) }, "'featureTimeout (milliseconds)' must be between 10 and 2000, got 9"],
    [{ featureTimeout: Duration.millis(2001) }, "'featureTimeout (milliseconds)' must be between 10 and 2000, got 2001"],
    [{ featureTimeout: Duration.millis(10.5) }, "'featureTimeout (milliseconds)' must be a whole number"],
    [{ featureTimeout: Duration.millis(Lazy.number({ produce: () => 9 })) }, "'featureTimeout' must be known at synth, got a Token"],
  ])('fails on %j and says what is allowed', (given, message) => {
    expect(() => build(given)).toThrow(message);
  });

  test('takes the shortest and the longest time, and large numbers where nothing is filled in', () => {
    [10, 2000].forEach((milliseconds) => expect(() => build({ featureTimeout: Duration.millis(milliseconds) })).not.toThrow());
    expect(() => build(of({ name: 'n', datatype: 'INT64', shape: [1] }))).not.toThrow();
  });
});
