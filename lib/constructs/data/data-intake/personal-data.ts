import { Annotations, Tags } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { DataContract } from '../data-contract/data-contract';
import type { DataZones } from '../data-zones';

/** Tag of the buckets that hold personal data, for audits, searches and policies. @internal */
export const PERSONAL_DATA_TAG = 'personal-data';

/**
 * Says where personal data of a contract lies: the raw and the validated zone are tagged; the quarantine holds no values. With a key of one's
 * own, who may read can be narrowed, seen and ended at the key; without one that is a warning.
 *
 * @internal
 */
export function markPersonalData(intake: Construct, { raw, validated }: DataZones, { dataset, personalData }: DataContract): void {
  if (personalData.length === 0) {
    return;
  }
  [raw, validated].forEach((bucket) => Tags.of(bucket).add(PERSONAL_DATA_TAG, 'true'));
  if (raw.encryptionKey === undefined) {
    Annotations.of(intake).addWarningV2(
      'cdk-ai-workloads:personal-data-key',
      `${dataset} has personal data (${personalData.join(', ')}) and its zones no key of their own: give DataZones an 'encryptionKey', so that who reads it is decided and logged at the key too`,
    );
  }
}
