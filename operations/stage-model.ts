import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { argumentsOf, ENVIRONMENT, runCommand, UsageError } from './command';
import { hubModel } from './stage-model/hub';
import { gigabytes, stage, Staged } from './stage-model/stage';
import { Place, Store } from './stage-model/store';

const USAGE = `Usage: npm run stage-model -- <id> --revision <commit> --to s3://<bucket>/<prefix>/ [options]

Copies one revision of a model of the Hugging Face hub to Amazon S3, below <prefix>/<id>/<commit>/, for ModelSource.fromPrefix(). Every file is
checked against the size and hash that the revision names before it is visible; <prefix>/<id>/<commit>.json is written when all are there. A run
that was interrupted is continued by the same command. Nothing is written to this machine's disk.

Of weights in several formats only safetensors are taken. Pickles, which can run code when they are loaded, are refused.

Options:
  --revision COMMIT    40 hexadecimal digits, from "Files and versions" of the model's page
  --to S3-ADDRESS      s3://<bucket>/ or s3://<bucket>/<prefix>/, in the Region of the endpoint
  --allow-pickle       take pickled weights of a model that has no safetensors
  --token-secret ARN   secret of AWS Secrets Manager with a token of the hub (default: HF_TOKEN of the environment, or none)

HF_ENDPOINT names a mirror of the hub (default https://huggingface.co).

${ENVIRONMENT}`;

const text = { type: 'string' } as const;
const OPTIONS = { revision: text, to: text, 'token-secret': text, 'allow-pickle': { type: 'boolean' } } as const;

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** Where to stage what. Errors: `InvalidOption` with every problem. */
export function requestOf(id: string, { revision = '', to = '' }: Values): { id: string; revision: string; to: Place } {
  const problems: string[] = [];
  if (!/^[A-Za-z0-9][\w.-]{0,95}(\/[A-Za-z0-9][\w.-]{0,95})?$/.test(id)) {
    problems.push(`<id> must be an id of the hub, such as Qwen/Qwen3-8B, got '${id}'`);
  }
  if (!/^[0-9a-f]{40}$/.test(String(revision))) {
    problems.push(`--revision must be a commit of 40 hexadecimal digits, because branches and tags move, got '${revision}'`);
  }
  const place = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/((?:[^/]+\/)*)$/.exec(String(to));
  if (place === null) {
    problems.push(`--to must look like s3://bucket/prefix/, with '/' at its end, got '${to}'`);
  }
  if (problems.length > 0) {
    throw new UsageError(`InvalidOption:\n${problems.map((problem) => `  ${problem}`).join('\n')}\n\n${USAGE}`);
  }
  return { id, revision: String(revision), to: { bucket: place![1], prefix: place![2] } };
}

async function tokenFrom(secret: string | undefined): Promise<string | undefined> {
  if (secret === undefined) {
    return process.env.HF_TOKEN === '' ? undefined : process.env.HF_TOKEN;
  }
  const { SecretString } = await new SecretsManagerClient({}).send(new GetSecretValueCommand({ SecretId: secret }));
  if (!/^hf_\S+$/.test(SecretString?.trim() ?? '')) {
    throw new Error(`InvalidToken: the secret ${secret} must hold a token of the hub as its text, 'hf_' and more`);
  }
  return SecretString!.trim();
}

/** What to do with a staged model. */
export function textOf({ prefix, manifest, files, bytes, weightBytes, kept }: Staged, bucket: string): string {
  const weights = `Size.mebibytes(${Math.ceil(weightBytes / 1024 ** 2)})`;
  return [
    `Staged ${files} files, ${gigabytes(bytes)}${kept > 0 ? ` (${kept} of them by an earlier run)` : ''}; complete since s3://${bucket}/${manifest} is there. Serve it by`,
    '',
    `  model: ModelSource.fromPrefix(Bucket.fromBucketName(this, 'Models', '${bucket}'), '${prefix}', { image }),`,
    ...(weightBytes > 0 ? [`  modelSize: ModelSize.ofWeights(${weights}),`] : []),
  ].join('\n');
}

async function main(args: string[]): Promise<number> {
  const { values, argument } = argumentsOf(args, OPTIONS, USAGE);
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const { id, revision, to } = requestOf(argument, values);
  const token = await tokenFrom(values['token-secret'] as string | undefined);
  const url = (process.env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/+$/, '');
  const world = {
    hub: hubModel({ id, revision, url, token, sleep }),
    store: new Store(new S3Client({}), to.bucket),
    say: console.log,
    sleep: (milliseconds: number) => sleep(milliseconds),
    now: () => new Date(),
  };
  console.log(textOf(await stage(world, to, values['allow-pickle'] === true), to.bucket));
  return 0;
}

if (require.main === module) {
  runCommand(main);
}
