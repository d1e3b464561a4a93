import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { startAccount } from '../../../local/account';
import { sleep } from '../../../local/processes';
import { requestOf, textOf } from '../../../operations/stage-model';
import { hubModel } from '../../../operations/stage-model/hub';
import { stage } from '../../../operations/stage-model/stage';
import { Store } from '../../../operations/stage-model/store';
import { FakeHub, Faults, gitBlob, ID, REVISION, sha256 } from './fake-hub';

const ROOT = join(__dirname, '../../..');
const MIB = 1024 ** 2;
const text = (value: string) => Buffer.from(value);
/** Two parts of an upload, and two larger than one. */
const WEIGHTS = { 'model-1.safetensors': randomBytes(20 * MIB), 'model-2.safetensors': randomBytes(17 * MIB) };
const FILES: Record<string, Buffer> = {
  '.gitattributes': text('* text'),
  'config.json': text('{"a": 1}'),
  LICENSE: text('do as you like'),
  'vocab/merges with space.txt': text('a b'),
  'empty.txt': text(''),
  ...WEIGHTS,
};
const PREFIX = `hub/${ID}/${REVISION}/`;

let account: Awaited<ReturnType<typeof startAccount>>;
let s3: S3Client;
let environment: Record<string, string>;
let number = 0;
beforeAll(async () => {
  account = await startAccount({ stateDir: mkdtempSync(join(tmpdir(), 'stage-model-')) });
  environment = {
    AWS_ENDPOINT_URL: account.url,
    AWS_ACCESS_KEY_ID: '000000000000',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_REGION: 'eu-central-1',
  };
  s3 = new S3Client({
    endpoint: account.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: '000000000000', secretAccessKey: 'x' },
    forcePathStyle: true,
  });
}, 60_000);
afterAll(async () => {
  s3.destroy();
  await account.stop();
});

const hubs: FakeHub[] = [];
afterEach(() => Promise.all(hubs.splice(0).map((hub) => hub.stop())));
async function hubOf(files = FILES, faults: Faults = {}, token?: string): Promise<FakeHub> {
  const hub = await new FakeHub(files, faults, token).start();
  hubs.push(hub);
  return hub;
}
async function newBucket(): Promise<string> {
  const bucket = `models-${++number}`;
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  return bucket;
}
const keysOf = async (bucket: string): Promise<string[]> =>
  ((await s3.send(new ListObjectsV2Command({ Bucket: bucket }))).Contents ?? []).map(({ Key }) => Key!).sort();
const contentOf = async (bucket: string, key: string): Promise<Buffer> => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return Buffer.from(await Body!.transformToByteArray());
};
const uploadsOf = async (bucket: string): Promise<number> =>
  (await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;

interface Run {
  readonly bucket: string;
  readonly id?: string;
  readonly revision?: string;
  readonly token?: string;
  readonly allowPickle?: boolean;
}
/** Stages from a hub into a bucket, without waiting between tries. */
function staged(hub: FakeHub, { bucket, id = ID, revision = REVISION, token, allowPickle = false }: Run) {
  const said: string[] = [];
  const noSleep = async () => undefined;
  const world = {
    hub: hubModel({ id, revision, url: hub.url, token, sleep: noSleep }),
    store: new Store(s3, bucket),
    say: (line: string) => void said.push(line),
    sleep: noSleep,
    now: () => new Date(),
  };
  return stage(world, { bucket, prefix: 'hub/' }, allowPickle).then((outcome) => ({ ...outcome, said }));
}

describe('npm run stage-model [M2]', () => {
  test('copies every file of the revision as it is, checked, and writes the manifest beside them', async () => {
    const [hub, bucket] = [await hubOf(), await newBucket()];
    const outcome = await staged(hub, { bucket });
    const expected = Object.keys(FILES).filter((path) => path !== '.gitattributes');
    expect(await keysOf(bucket)).toEqual([...expected.map((path) => PREFIX + path), `hub/${ID}/${REVISION}.json`].sort());
    for (const path of expected) {
      expect(sha256(await contentOf(bucket, PREFIX + path))).toBe(sha256(FILES[path]));
    }
    const manifest = JSON.parse((await contentOf(bucket, outcome.manifest)).toString());
    expect(manifest).toMatchObject({ version: 1, model: ID, revision: REVISION, prefix: `s3://${bucket}/${PREFIX}` });
    expect(manifest.files).toContainEqual({ path: 'config.json', size: 8, gitBlob: gitBlob(FILES['config.json']) });
    expect(manifest.files).toContainEqual({ path: 'model-1.safetensors', size: 20 * MIB, sha256: sha256(WEIGHTS['model-1.safetensors']) });
    expect(outcome).toMatchObject({ files: 6, kept: 0, weightBytes: 37 * MIB });
    expect(outcome.said.join('\n')).toContain('model-1.safetensors: 21.0 MB, SHA-256 as named');
  });

  test('copies nothing again, and only what is missing', async () => {
    const [hub, bucket] = [await hubOf(), await newBucket()];
    await staged(hub, { bucket });
    hub.asked.length = 0;
    expect((await staged(hub, { bucket })).kept).toBe(6);
    expect(hub.asked.filter((call) => /resolve|cdn/.test(call))).toEqual([]);
    // Other bytes of the same size under the key, as a person may have put there.
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${PREFIX}config.json`, Body: '{"a": 2}' }));
    expect((await staged(hub, { bucket })).kept).toBe(5);
    expect((await contentOf(bucket, `${PREFIX}config.json`)).toString()).toBe('{"a": 1}');
  });

  test('continues a file where the connection was cut, and gives the token to the hub alone', async () => {
    const cut = { path: 'model-1.safetensors', after: 6 * MIB, times: 2 };
    const [hub, bucket] = [await hubOf(FILES, { cut, gated: true }, 'hf_good'), await newBucket()];
    await staged(hub, { bucket, token: 'hf_good' });
    expect(sha256(await contentOf(bucket, `${PREFIX}model-1.safetensors`))).toBe(sha256(WEIGHTS['model-1.safetensors']));
    const ranges = hub.asked.filter((call) => call.startsWith('cdn GET model-1')).map((call) => Number(/bytes=(\d+)-/.exec(call)![1]));
    expect(ranges).toHaveLength(3);
    expect(ranges[0]).toBe(0);
    expect(ranges[1]).toBeGreaterThan(0);
    expect(ranges[2]).toBeGreaterThan(ranges[1]);
    expect(hub.leaked).toEqual([]);
  });

  test('waits for a hub that is busy', async () => {
    for (const status of [429, 503]) {
      await staged(await hubOf({ 'config.json': text('{}') }, { busy: { status, times: 3 } }), { bucket: await newBucket() });
    }
    await expect(staged(await hubOf(FILES, { busy: { status: 503, times: 100 } }), { bucket: await newBucket() })).rejects.toThrow(
      /^HubRefused: http:\/\/127\.0\.0\.1:\d+ answered 503/,
    );
  });

  test.each(['model-2.safetensors', 'config.json'])(
    'fails when %s has other bytes than named, and keeps nothing of it',
    async (corrupt) => {
      const [hub, bucket] = [await hubOf(FILES, { corrupt }), await newBucket()];
      await expect(staged(hub, { bucket })).rejects.toThrow(`WrongContent: ${corrupt} has ${FILES[corrupt].length} bytes with hash`);
      const keys = await keysOf(bucket);
      expect(keys).not.toContain(PREFIX + corrupt);
      expect(keys.filter((key) => key.endsWith(`${REVISION}.json`))).toEqual([]);
      expect(await uploadsOf(bucket)).toBe(0);
    },
  );

  test('fails when the connection is cut again and again without a byte', async () => {
    const cut = { path: 'model-1.safetensors', after: 0, times: 100 };
    const [hub, bucket] = [await hubOf(FILES, { cut }), await newBucket()];
    await expect(staged(hub, { bucket })).rejects.toThrow('HubUnreachable: model-1.safetensors ends at byte 0');
  });

  test('takes the manifest away before it puts a file again, so that half a model never looks whole', async () => {
    const bucket = await newBucket();
    await staged(await hubOf(), { bucket });
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${PREFIX}model-2.safetensors`, Body: 'x' }));
    await expect(staged(await hubOf(FILES, { corrupt: 'model-2.safetensors' }), { bucket })).rejects.toThrow('WrongContent');
    expect(await keysOf(bucket)).not.toContain(`hub/${ID}/${REVISION}.json`);
  });

  test('fails on objects that are not of the revision, which SageMaker would load too [row 26]', async () => {
    const bucket = await newBucket();
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: PREFIX, Body: '' }));
    await expect(staged(await hubOf(), { bucket })).rejects.toThrow(
      `StrangeObjects: s3://${bucket}/${PREFIX} holds 1 that are not of the revision`,
    );
  });

  test('prefers safetensors, and refuses pickles unless they are asked for', async () => {
    const bucket = await newBucket();
    const both = { ...FILES, 'pytorch_model.bin': text('pickle'), 'tf_model.h5': text('x'), 'original/a.pth': text('pickle') };
    const { said } = await staged(await hubOf(both), { bucket });
    expect(said).toContain('left out, because there are safetensors: pytorch_model.bin, tf_model.h5, original/a.pth');
    expect(await keysOf(bucket)).toHaveLength(7);
    const pickled = await hubOf({ 'config.json': text('{}'), 'pytorch_model.bin': text('pickle') });
    const other = await newBucket();
    await expect(staged(pickled, { bucket: other })).rejects.toThrow(
      'UnsafeWeights: the model has no safetensors, and pytorch_model.bin can run code when they are loaded',
    );
    expect(await keysOf(other)).toEqual([]);
    expect(await staged(pickled, { bucket: other, allowPickle: true })).toMatchObject({ files: 2, weightBytes: 6 });
  });

  test.each<[string, Faults, Partial<Run>, string]>([
    ['an unknown revision', {}, { revision: 'f'.repeat(40) }, `UnknownRevision: ${ID} has no commit ${'f'.repeat(40)}: copy one from http`],
    ['an unknown model', {}, { id: 'Qwen/none' }, 'UnknownModel: there is no model Qwen/none at http'],
    ['an unknown model with a token', {}, { id: 'Qwen/none', token: 'hf_good' }, 'or the token may not see it'],
    ['a gated model without a token', { gated: true }, {}, `GatedModel: ${ID} is gated: accept its licence at http`],
    ['a token that the hub does not know', {}, { token: 'hf_bad' }, 'InvalidToken: http'],
    ['a bucket that is not there', {}, { bucket: 'no-such-bucket' }, 'NoSuchBucket: there is no bucket no-such-bucket'],
  ])('fails on %s and says what to do', async (_what, faults, run, message) => {
    const hub = await hubOf(FILES, faults, 'hf_good');
    await expect(staged(hub, { bucket: await newBucket(), ...run })).rejects.toThrow(message);
  });

  test('fails when the hub does not answer', async () => {
    const hub = await hubOf();
    await hub.stop();
    await expect(staged(hub, { bucket: await newBucket() })).rejects.toThrow(
      /^HubUnreachable: http:\/\/127\.0\.0\.1:\d+ does not answer \(.*ECONNREFUSED/,
    );
  });

  test.each([
    [301, 'WrongRegion: models is in us-east-1, the command in eu-central-1: set AWS_REGION'],
    [403, 'AccessDenied: these credentials may not use models: they need s3:ListBucket'],
    [500, 'BucketUnreachable: models: Odd: text'],
  ])('fails on a bucket that answers %d and says what to do', async (httpStatusCode, message) => {
    const $response = { headers: { 'x-amz-bucket-region': 'us-east-1' } };
    const error = Object.assign(new Error('text'), { name: 'Odd', $metadata: { httpStatusCode }, $response });
    const client = { config: { region: async () => 'eu-central-1' }, send: async () => Promise.reject(error) };
    await expect(new Store(client as unknown as S3Client, 'models').check()).rejects.toThrow(message);
  });

  test('goes on after it was killed in the middle of a file, as a program, and leaves no parts', async () => {
    const bucket = await newBucket();
    const run = (hub: FakeHub) =>
      spawn(process.execPath, ['--import', 'tsx', 'operations/stage-model.ts', ID, '--revision', REVISION, '--to', `s3://${bucket}/hub/`], {
        cwd: ROOT,
        env: { PATH: process.env.PATH, ...environment, HF_ENDPOINT: hub.url, HF_TOKEN: '' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    const first = run(await hubOf(FILES, { stall: { path: 'model-1.safetensors', after: 18 * MIB } }));
    for (let waited = 0; !(await uploadsOf(bucket)) || (await keysOf(bucket)).length < 5; waited++) {
      expect(waited).toBeLessThan(300);
      await sleep(100);
    }
    first.kill('SIGKILL');
    expect(await keysOf(bucket)).not.toContain(`hub/${ID}/${REVISION}.json`);
    expect(await keysOf(bucket)).not.toContain(`${PREFIX}model-1.safetensors`);
    await sleep(1100); // S3 dates uploads to the second
    const hub = await hubOf();
    const second = run(hub);
    let output = '';
    second.stdout.on('data', (data: Buffer) => (output += data.toString()));
    second.stderr.on('data', (data: Buffer) => (output += data.toString()));
    expect(await new Promise((resolve) => second.on('close', resolve))).toBe(0);
    expect(output).toContain('(5 of them by an earlier run)');
    expect(output).toContain(`model: ModelSource.fromPrefix(Bucket.fromBucketName(this, 'Models', '${bucket}'), '${PREFIX}', { image }),`);
    expect(hub.asked.filter((call) => /resolve/.test(call))).toHaveLength(1);
    expect(sha256(await contentOf(bucket, `${PREFIX}model-1.safetensors`))).toBe(sha256(WEIGHTS['model-1.safetensors']));
    expect(await uploadsOf(bucket)).toBe(0);
  });
});

describe('the command line', () => {
  test('is told a model, a commit and a place', () => {
    expect(requestOf(ID, { revision: REVISION, to: 's3://my-models/a/b/' })).toEqual({
      id: ID,
      revision: REVISION,
      to: { bucket: 'my-models', prefix: 'a/b/' },
    });
    expect(requestOf('gpt2', { revision: REVISION, to: 's3://my-models/' }).to.prefix).toBe('');
  });

  test('fails with everything that is wrong at once', () => {
    expect(() => requestOf('https://huggingface.co/gpt2', { revision: 'main', to: 's3://my-models/a' })).toThrow(
      /<id> must be an id.*--revision must be a commit.*got 'main'.*--to must look like s3:\/\/bucket\/prefix\/, with '\/' at its end, got 's3:\/\/my-models\/a'/s,
    );
  });

  test('says how to serve what was staged, with the size to check an instance against', () => {
    const outcome = { prefix: PREFIX, manifest: `hub/${ID}/${REVISION}.json`, files: 12, bytes: 16.4e9, weightBytes: 16.38e9, kept: 0 };
    expect(textOf(outcome, 'my-models')).toBe(
      [
        `Staged 12 files, 16.4 GB; complete since s3://my-models/hub/${ID}/${REVISION}.json is there. Serve it by`,
        '',
        `  model: ModelSource.fromPrefix(Bucket.fromBucketName(this, 'Models', 'my-models'), '${PREFIX}', { image }),`,
        '  modelSize: ModelSize.ofWeights(Size.mebibytes(15622)),',
      ].join('\n'),
    );
  });
});
