import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** A packed folder. @internal */
export interface Archive {
  /** The folder as tar.gz. */
  readonly bytes: Buffer;
  /** SHA-256 of the tar before compression: zlib's output may differ between Node versions, the model does not. */
  readonly hash: string;
}

/** What Python and file managers leave behind; it would change the hash without changing the model. */
const LITTER = /^(__pycache__|\.ipynb_checkpoints|\.pytest_cache|\.git|\.DS_Store|Thumbs\.db)$|\.pyc$/;
const LARGEST = 1024 ** 3;

/** Files of a folder, relative with forward slashes, in byte order of their names; what an archive of it would hold. @internal */
export function filesOf(directory: string): string[] {
  const walk = (folder: string): string[] =>
    readdirSync(join(directory, folder), { withFileTypes: true })
      .filter((entry) => !LITTER.test(entry.name))
      .flatMap((entry) => {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        return entry.isDirectory() ? walk(path) : [path];
      });
  return walk('').sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** Reasons why a folder cannot be packed. @internal */
export function packingProblems(directory: string, files: string[]): string[] {
  const problems: string[] = [];
  let size = 0;
  for (const file of files) {
    const stats = lstatSync(join(directory, file));
    size += stats.size;
    if (!stats.isFile()) {
      problems.push(`'${file}' in ${directory} is a link or special file: put a plain file there`);
    }
    if (splitName(file) === undefined) {
      problems.push(
        `'${file}' in ${directory} has too long a name for a tar archive (100 characters after a folder of at most 155): shorten it`,
      );
    }
  }
  if (size > LARGEST) {
    problems.push(
      `${directory} holds ${size} bytes, at most ${LARGEST} can be packed at synth: upload a model.tar.gz and use fromTarball()`,
    );
  }
  return problems;
}

/**
 * Packs a folder so that the same files give the same hash on every machine: sorted names, no times, no owners, equal modes.
 *
 * @internal
 */
export function packFolder(directory: string, files: string[]): Archive {
  const blocks = files.flatMap((file) => entry(file, readFileSync(join(directory, file))));
  const tar = Buffer.concat([...blocks, Buffer.alloc(1024)]);
  return { bytes: gzipSync(tar, { level: 9 }), hash: createHash('sha256').update(tar).digest('hex') };
}

/** One file in ustar format (POSIX.1-1988): a header of 512 bytes, then the content padded to whole blocks. */
function entry(file: string, content: Buffer): Buffer[] {
  const [prefix, name] = splitName(file)!;
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  header.write(prefix, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
}

/** Splits a path into the two fields of a header, 155 and 100 bytes; undefined when it fits no split. */
function splitName(file: string): [prefix: string, name: string] | undefined {
  if (Buffer.byteLength(file) <= 100) {
    return ['', file];
  }
  for (let at = file.indexOf('/'); at >= 0; at = file.indexOf('/', at + 1)) {
    const [prefix, name] = [file.slice(0, at), file.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) {
      return [prefix, name];
    }
  }
  return undefined;
}
