import { LEDGER } from '../../lib/constructs/data/contract';
import { ObjectFormat, VALIDATED_NAME } from '../../lib/constructs/data/data-intake/contract';

/** What the validator is: a change of its behaviour raises this. */
export const BUILD = 'intake-3';

/** One version of an object, as an event names it. */
export interface ObjectVersion {
  bucket: string;
  key: string;
  versionId: string;
  /** Order of writes to one key; later writes compare greater after padding (Amazon S3 user guide, event message structure). */
  sequencer: string;
}

export function objectKey({ key, versionId }: Pick<ObjectVersion, 'key' | 'versionId'>): string {
  return `${LEDGER.object}${key}#${versionId}`;
}

/** A folder that somebody made in the console: a key that ends with a slash, not a file (Amazon S3 user guide, organizing objects). */
export function isFolder(key: string): boolean {
  return key.endsWith('/');
}

interface S3Event {
  detail?: { bucket?: { name?: string }; object?: { key?: string; 'version-id'?: string; sequencer?: string } };
}

/** The object version that a queue message is about. Errors: a message of another form, which then ends in the dead-letter queue. */
export function parseMessage(body: string): ObjectVersion {
  const { detail } = JSON.parse(body) as S3Event;
  const object = detail?.object;
  if (detail?.bucket?.name === undefined || object?.key === undefined || object['version-id'] === undefined) {
    throw new Error("UnknownMessage: not an 'Object Created' event of a versioned bucket: look at the rule that feeds the queue");
  }
  return { bucket: detail.bucket.name, key: object.key, versionId: object['version-id'], sequencer: object.sequencer ?? '' };
}

/** Characters of a file's name that its outputs carry: a key has at most 1,024 bytes. */
const NAME = 100;

/** Where an attempt writes. Nothing is ever overwritten: every attempt has a folder of its own. */
export function attemptPrefix(dataset: string, object: Pick<ObjectVersion, 'key' | 'versionId'>, attempt: string): string {
  const name = object.key
    .split('/')
    .at(-1)!
    .replaceAll(/[^A-Za-z0-9._-]/g, '_')
    .slice(-NAME);
  return `${dataset}/${name}/version=${object.versionId}/attempt=${attempt}`;
}

/** Format of a validated object. Errors: a key that no attempt has written. */
export function formatOf(key: string): ObjectFormat {
  const found = Object.entries(VALIDATED_NAME).find(([, name]) => key.endsWith(`/${name}`));
  if (found === undefined) {
    const names = Object.values(VALIDATED_NAME).join(', ');
    throw new Error(
      `UnknownObject: ${key} is no validated object, whose name is one of ${names}: mend the row that names it (npm run ledger -- rebuild)`,
    );
  }
  return found[0] as ObjectFormat;
}
