import { createHash } from 'node:crypto';
import { HubError, HubFile, HubModel } from './hub';

/** Connections that may end without a byte before a file is given up. */
const FRUITLESS = 5;

/** Bytes of a file; a connection that ends early is continued where it ended. */
export async function* bytesOf(hub: HubModel, file: HubFile, sleep: (milliseconds: number) => Promise<void>): AsyncGenerator<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  for (let [at, failures] = [0, 0]; at < file.size;) {
    let chunk: Uint8Array;
    try {
      reader ??= (await hub.read(file.path, at)).getReader();
      const { done, value } = await reader.read();
      if (done) {
        throw new Error('the connection ended early');
      }
      chunk = value;
    } catch (error) {
      reader = undefined;
      if (error instanceof HubError || ++failures > FRUITLESS) {
        throw error instanceof HubError
          ? error
          : new HubError(`HubUnreachable: ${file.path} ends at byte ${at}: ${(error as Error).message}`);
      }
      await sleep(500 * 2 ** failures);
      continue;
    }
    [at, failures] = [at + chunk.length, 0];
    yield chunk;
  }
}

/** Passes bytes on, and fails at their end unless they are what the revision names. */
export async function* verified(
  file: HubFile,
  bytes: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  const [hash, expected] = file.sha256 === undefined ? [gitHash(file), file.gitBlob] : [createHash('sha256'), file.sha256];
  let size = 0;
  for await (const chunk of bytes) {
    hash.update(chunk);
    size += chunk.length;
    onBytes(chunk.length);
    yield chunk;
  }
  const found = hash.digest('hex');
  if (size !== file.size || found !== expected) {
    throw new HubError(
      `WrongContent: ${file.path} has ${size} bytes with hash ${found}, the revision names ${file.size} with ${expected}: nothing of it was kept, run the command again`,
    );
  }
}

/** A Git blob is named by the SHA-1 of its content with a header. */
const gitHash = ({ size }: HubFile) => createHash('sha1').update(`blob ${size}\0`);
