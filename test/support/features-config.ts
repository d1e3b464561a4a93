import { Document } from 'yaml';
import { configLikeDev } from './isolated-config';

/** The input that the API fills in. */
export const FILLED_IN = { name: 'origin_delay', datatype: 'FP64', shape: [-1], feature: 'origin_delay' };

/**
 * Writes a copy of the dev config whose flights come by a stream too, and whose model is given what they say of its airport's last hour: the mean
 * departure delay in the hour that ends an hour before departure. Returns the file, which is in `folder`.
 */
export function featuresConfig(folder: string, change: (document: Document) => void = () => undefined): string {
  return configLikeDev(folder, 'features.yaml', (document) => {
    document.setIn(['data', 'streams'], document.createNode({ flights: { shardCount: 1, landingWindowSeconds: 1 } }));
    const feature = {
      ...{ name: 'origin_delay', dataset: 'flights', entity: ['origin'], function: 'mean', value: 'dep_delay', windowSeconds: 3600 },
      eventTime: { column: 'time_hour', plusMinutes: ['minute', 'dep_delay'] },
      asOf: { column: 'time_hour', plusMinutes: ['minute'] },
      leadSeconds: 3600,
    };
    document.setIn(['data', 'features'], document.createNode([feature]));
    document.addIn(['endpoints', 'delay', 'signature', 'inputs'], document.createNode(FILLED_IN));
    change(document);
  });
}
