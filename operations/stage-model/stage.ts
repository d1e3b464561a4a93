import { bytesOf, verified } from './content';
import type { HubFile, HubModel } from './hub';
import { selectionOf, weightBytes } from './selection';
import type { Place, Store } from './store';

/** What a staging has to do with. */
export interface World {
  readonly hub: HubModel;
  readonly store: Store;
  readonly say: (text: string) => void;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly now: () => Date;
}

export interface Staged {
  readonly prefix: string;
  readonly manifest: string;
  readonly files: number;
  readonly bytes: number;
  readonly weightBytes: number;
  /** Files that an earlier run had stored. */
  readonly kept: number;
}

const FILES_AT_ONCE = 3;

/**
 * Puts a revision below `<prefix><id>/<revision>/`, file by file, each visible only when it is whole and checked. Beside that prefix, which holds
 * nothing else, a manifest is written when all are there, and taken away before anything is put again.
 */
export async function stage(world: World, to: Place, allowPickle: boolean): Promise<Staged> {
  const { hub, store, say, now } = world;
  await store.check();
  const { files, left } = selectionOf(await hub.files(), allowPickle);
  const [prefix, started] = [`${to.prefix}${hub.id}/${hub.revision}/`, now()];
  const [manifest, bytes] = [`${prefix.slice(0, -1)}.json`, total(files)];
  say(`${hub.id} at ${hub.revision}: ${files.length} files, ${gigabytes(bytes)}`);
  if (left.length > 0) {
    say(`left out, because there are safetensors: ${left.map(({ path }) => path).join(', ')}`);
  }
  const present = await store.list(prefix);
  refuseStrangers(to, prefix, present, files);
  const missing = await missingFiles(store, prefix, present, files);
  if (missing.length > 0) {
    await store.remove(manifest);
    await putAll(world, prefix, missing, bytes - total(missing), bytes);
    refuseStrangers(to, prefix, await store.list(prefix), files);
  }
  await store.abortUploads(prefix, started);
  await store.putJson(manifest, {
    version: 1,
    model: hub.id,
    revision: hub.revision,
    prefix: `s3://${to.bucket}/${prefix}`,
    bytes,
    files: [...files].sort((a, b) => (a.path < b.path ? -1 : 1)),
  });
  return { prefix, manifest, files: files.length, bytes, weightBytes: weightBytes(files), kept: files.length - missing.length };
}

/** Everything below the prefix is loaded: what is not of the revision would be served with it. */
function refuseStrangers({ bucket }: Place, prefix: string, present: ReadonlyMap<string, number>, files: readonly HubFile[]): void {
  const known = new Set(files.map(({ path }) => prefix + path));
  const strangers = [...present.keys()].filter((key) => !known.has(key));
  if (strangers.length > 0) {
    throw new Error(
      `StrangeObjects: s3://${bucket}/${prefix} holds ${strangers.length} that are not of the revision, such as ${strangers[0]}: SageMaker would load them too; delete them or choose another --to`,
    );
  }
}

async function missingFiles(
  store: Store,
  prefix: string,
  present: ReadonlyMap<string, number>,
  files: readonly HubFile[],
): Promise<HubFile[]> {
  const missing: HubFile[] = [];
  for (const file of files) {
    const key = prefix + file.path;
    if (present.get(key) !== file.size || !(await store.holds(key, file))) {
      missing.push(file);
    }
  }
  return missing;
}

async function putAll(world: World, prefix: string, missing: readonly HubFile[], before: number, bytes: number): Promise<void> {
  const { hub, store, say, sleep } = world;
  if (before > 0) {
    say(`${gigabytes(before)} are there already`);
  }
  let done = before;
  const ticking = setInterval(() => say(`${gigabytes(done)} of ${gigabytes(bytes)} (${Math.floor((100 * done) / bytes)} %)`), 10_000);
  const queue = [...missing];
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      await store.put(
        prefix + file.path,
        file,
        verified(file, bytesOf(hub, file, sleep), (count) => (done += count)),
      );
      say(`${file.path}: ${gigabytes(file.size)}, ${file.sha256 === undefined ? 'Git id' : 'SHA-256'} as named`);
    }
  };
  const stop = (error: unknown): never => {
    queue.length = 0;
    throw error;
  };
  try {
    const ends = await Promise.allSettled(Array.from({ length: FILES_AT_ONCE }, () => work().catch(stop)));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) {
      throw failed.reason;
    }
  } finally {
    clearInterval(ticking);
  }
}

const total = (files: readonly HubFile[]): number => files.reduce((sum, { size }) => sum + size, 0);

/** As storage is sold: powers of ten. */
export const gigabytes = (bytes: number): string =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
