import { Duration, Stack } from 'aws-cdk-lib';
import { Subject } from '../../gate/assembly';
import { refusedChanges } from '../../gate/changes';
import { InferenceEndpointProps, InstanceType, Scaling } from '../../lib/constructs/serving';
import { endpoint } from '../constructs/serving/fixtures';
import { synth } from '../support/synth';

const { ML_M5_LARGE, ML_M5_XLARGE } = InstanceType;
const scaled = Scaling.between(1, 4, { concurrency: 4, scaleInCooldown: Duration.minutes(5) });
const fixed = Scaling.fixed(2);

const assembly = (props: Partial<InferenceEndpointProps>, stack = 'Serving'): Subject[] => [
  { stack, file: '', template: synth((scope: Stack) => endpoint(scope, props)).template.toJSON() },
];
const refused = (before: Partial<InferenceEndpointProps>, after: Partial<InferenceEndpointProps>) =>
  refusedChanges(assembly(before), assembly(after)).map(({ problem }) => problem);

describe('changes that one deployment cannot make [A6, row 71]', () => {
  test.each([
    ['scaling stays', scaled],
    ['scaling goes in the same deployment, because its target goes last', fixed],
  ])('are another type of a scaled variant, also when %s', (_what, scaling) => {
    expect(refused({ instance: ML_M5_LARGE, scaling: scaled }, { instance: ML_M5_XLARGE, scaling })).toEqual([
      expect.stringMatching(/^variant 'AllTraffic' changes from ml\.m5\.large to ml\.m5\.xlarge while it is scaled.*Scaling\.fixed/),
    ]);
  });

  test('are other types to fall back to, and the end of a scaled variant', () => {
    expect(refused({ scaling: scaled }, { scaling: scaled, fallbackInstances: [ML_M5_XLARGE] })).toHaveLength(1);
    const before = assembly({ scaling: scaled });
    const after = assembly({ scaling: scaled });
    for (const resource of Object.values(after[0].template.Resources!)) {
      if (resource.Type === 'AWS::SageMaker::EndpointConfig') {
        resource.Properties!.ProductionVariants[0].VariantName = 'Other';
      }
    }
    expect(refusedChanges(before, after)).toMatchObject([
      { check: 'changes', stack: 'Serving', problem: expect.stringContaining("variant 'AllTraffic' goes while it is scaled") },
    ]);
  });

  test('are none of the three steps, nor anything else about a scaled variant', () => {
    expect(refused({ instance: ML_M5_LARGE, scaling: scaled }, { instance: ML_M5_LARGE, scaling: fixed })).toEqual([]);
    expect(refused({ instance: ML_M5_LARGE, scaling: fixed }, { instance: ML_M5_XLARGE, scaling: fixed })).toEqual([]);
    expect(refused({ instance: ML_M5_XLARGE, scaling: fixed }, { instance: ML_M5_XLARGE, scaling: scaled })).toEqual([]);
    expect(refused({ scaling: scaled }, { scaling: Scaling.between(2, 8, { concurrency: 8 }), networkIsolation: false })).toEqual([]);
    expect(refusedChanges(assembly({ instance: ML_M5_LARGE, scaling: scaled }), assembly({ instance: ML_M5_XLARGE }, 'Other'))).toEqual([]);
  });
});
