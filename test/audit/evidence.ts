import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { Service, TABLE } from './service';

/** Leaves what an outsider may look at, and nothing of the product: stored versions, items, changes of the table, events, dead letters. */
export function leaveEvidence(service: Service, folder: string): void {
  mkdirSync(join(folder, 'objects'), { recursive: true });
  const zones = service.s3.versions.filter(({ bucket }) => bucket !== 'assets');
  const objects = zones.map(({ bucket, key, versionId, sequencer, deleteMarker, bytes }, i) => {
    writeFileSync(join(folder, 'objects', String(i)), bytes);
    return { bucket, key, versionId, sequencer, deleteMarker, file: String(i) };
  });
  service.noteChanges();
  const changes = service.db.changes.map(({ before, after }, i) => ({
    at: service.changedAt[i] / 1000,
    before: before && unmarshall(before),
    after: unmarshall(after),
  }));
  const lines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
  writeFileSync(join(folder, 'objects.jsonl'), lines(objects));
  writeFileSync(join(folder, 'items.jsonl'), lines(service.db.items(TABLE)));
  writeFileSync(join(folder, 'changes.jsonl'), lines(changes));
  writeFileSync(
    join(folder, 'events.jsonl'),
    lines(service.bus.entries.map(({ DetailType, Detail }) => ({ type: DetailType, ...JSON.parse(Detail) }))),
  );
  writeFileSync(join(folder, 'dead-letters.jsonl'), lines(service.deadLetters.map(({ body }) => body)));
}
