import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_SPLIT_BYTES } from '../../lib/constructs/data/data-intake/contract';
import type { SplitFile } from '../intake-split/plan';
import { Advice, isGzip, unlessGone } from './source';

/** Hands files that are too large for one function over to the state machine that splits them. */
export class Splitter {
  /** `above`: larger files are split. Bytes. */
  constructor(
    private readonly s3: S3Client,
    private readonly machines: Pick<SFNClient, 'send'>,
    private readonly machineArn: string,
    private readonly above: number,
  ) {}

  /**
   * Starts an execution when the file is large enough and can be split. It is named after the attempt, so that starting it twice starts it
   * once (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html).
   */
  public async take(file: SplitFile): Promise<boolean> {
    if (!(await isSplit(file, this.above, this.s3))) {
      return false;
    }
    const start = new StartExecutionCommand({ stateMachineArn: this.machineArn, name: file.attempt, input: JSON.stringify(file) });
    try {
      await this.machines.send(start);
    } catch (error) {
      if (!(error instanceof ExecutionAlreadyExists)) {
        throw error;
      }
    }
    return true;
  }
}

/** Whether a file is judged in ranges: it is larger than `above`, not larger than what is split, and uncompressed. One that is gone is not. */
export async function isSplit({ object, bytes }: Omit<SplitFile, 'attempt'>, above: number, s3: S3Client): Promise<boolean> {
  if (bytes <= above || bytes > MAXIMUM_SPLIT_BYTES) {
    return false;
  }
  const { bucket, key, versionId } = object;
  const first = new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId, Range: 'bytes=0-1' });
  const answer = await unlessGone(s3.send(first));
  return answer !== undefined && !isGzip(Buffer.from(await answer.Body!.transformToByteArray()));
}

/** What the sender of a file that is too large can do about it. */
export function adviceOf({ format, newlinesQuoted }: Pick<CompiledContract, 'format' | 'newlinesQuoted'>, splits: boolean): Advice {
  return (compressed) => {
    if (splits) {
      return compressed
        ? 'send it in parts, or uncompressed, so that it can be split'
        : `send it in parts of at most ${MAXIMUM_SPLIT_BYTES} bytes`;
    }
    return format === 'csv' && newlinesQuoted !== false
      ? 'send it in parts, or let the contract say that no field holds a newline (newlinesQuoted: false), so that it can be split'
      : 'send it in parts';
  };
}
