import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DATA_ENV } from '../../lib/constructs/data/contract';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';

/** The contract that a function judges by: read once, and again only after a failure. */
export function contractReader(env: NodeJS.ProcessEnv, s3: Pick<S3Client, 'send'>): () => Promise<CompiledContract> {
  let contract: Promise<CompiledContract> | undefined;
  return () =>
    (contract ??= read(env, s3).catch((error: unknown) => {
      contract = undefined;
      throw error;
    }));
}

async function read(env: NodeJS.ProcessEnv, s3: Pick<S3Client, 'send'>): Promise<CompiledContract> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: env[DATA_ENV.contractBucket], Key: env[DATA_ENV.contractKey] }));
  return JSON.parse(await Body!.transformToString());
}
