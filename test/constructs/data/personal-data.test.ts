import { Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { DataIntake, DataZones } from '../../../lib';
import { synth } from '../../support/synth';
import { contractOf } from './contracts';

describe('personal data [D2, meaning 27]', () => {
  const contract = () => contractOf((d) => void (d.schema[0].properties[1].classification = 'PII'));
  const withZones = (zonesOf: (stack: Stack) => DataZones, given = contract()) =>
    synth((stack) => new DataIntake(stack, 'Orders', { zones: zonesOf(stack), contract: given, intakeName: 'orders' }));
  const tagged = ({ template }: { template: Template }) =>
    Object.entries(template.findResources('AWS::S3::Bucket'))
      .filter(([, { Properties }]) => JSON.stringify(Properties.Tags ?? []).includes('{"Key":"personal-data","Value":"true"}'))
      .map(([id]) => id.replace(/[0-9A-F]{8}$/, ''));
  const warned = ({ stack }: { stack: Stack }) => Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('personal data'));

  test('tags the buckets that hold it, and is a warning where these have no key of their own', () => {
    const result = withZones((stack) => new DataZones(stack, 'Zones'));
    expect(tagged(result)).toEqual(['ZonesRaw', 'ZonesValidated']);
    expect(warned(result).map(({ id, entry }) => [id, entry.data])).toEqual([
      ['/Test/Orders', expect.stringContaining('orders has personal data (amount) and its zones no key of their own')],
    ]);
  });

  test('is no warning with a key, and nothing at all where there is none', () => {
    const keyed = withZones((stack) => new DataZones(stack, 'Zones', { encryptionKey: new Key(stack, 'Key') }));
    expect([tagged(keyed), warned(keyed)]).toEqual([['ZonesRaw', 'ZonesValidated'], []]);
    const none = withZones((stack) => new DataZones(stack, 'Zones'), contractOf());
    expect([tagged(none), warned(none)]).toEqual([[], []]);
  });
});
