import { Document } from 'yaml';
import { configLikeDev } from './isolated-config';

/**
 * Writes a copy of the dev config with every way in which data comes and is read: beside its stream and its feature records by HTTP, a table of the
 * newest departure of each airport, and queries. Returns the file, which is in `folder`.
 */
export function dataConfig(folder: string, change: (document: Document) => void = () => undefined): string {
  return configLikeDev(folder, 'data.yaml', (document) => {
    document.setIn(['data', 'streams', 'flights', 'http'], document.createNode({ orderedBy: ['origin'] }));
    const online = {
      ...{ entity: ['origin'], columns: ['carrier', 'flight', 'dep_delay'] },
      eventTime: { column: 'time_hour', plusMinutes: ['minute', 'dep_delay'] },
    };
    document.setIn(['data', 'streams', 'flights', 'online'], document.createNode(online));
    document.setIn(['data', 'queries'], document.createNode({}));
    change(document);
  });
}
