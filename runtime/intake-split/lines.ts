import { Readable } from 'node:stream';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ObjectVersion } from '../intake/core';
import { Range } from './plan';

const NEWLINE = 0x0a;

/** Bytes and their position in the file. */
export interface Piece {
  readonly offset: number;
  readonly bytes: Buffer;
}

/**
 * The lines that a range owns, whole and in order: those that start in it, the last one read on over the range's end. Ranges that lie side by
 * side own every byte once. `pieces`: the file from one byte before the range on, because a line starts behind a newline.
 */
export async function* ownedLines(pieces: AsyncIterable<Piece>, { from, to }: Range): AsyncGenerator<Piece> {
  let started = from === 0;
  for await (const { offset, bytes } of pieces) {
    let start = 0;
    if (!started) {
      start = bytes.indexOf(NEWLINE) + 1;
      if (offset + (start === 0 ? bytes.length : start) >= to) {
        return;
      }
      started = start > 0;
    }
    if (started) {
      const newline = bytes.indexOf(NEWLINE, Math.max(start, to - 1 - offset));
      const end = newline < 0 || offset + newline < to - 1 ? bytes.length : newline + 1;
      yield { offset: offset + start, bytes: bytes.subarray(start, end) };
      if (newline >= 0) {
        return;
      }
    }
  }
}

/** An object version from a byte on to its end; whoever has enough simply stops. Errors: WrongRange, and CutTransfer when the connection ends early. */
export async function* piecesFrom(
  s3: S3Client,
  { bucket, key, versionId }: ObjectVersion,
  from: number,
  size: number,
): AsyncGenerator<Piece> {
  if (from >= size) {
    return;
  }
  const get = new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId, Range: `bytes=${from}-` });
  const { Body, ContentRange } = await s3.send(get);
  const body = Body as Readable;
  try {
    if (!(ContentRange ?? '').startsWith(`bytes ${from}-`)) {
      const asked = `asked for the bytes from ${from} on of ${key}, version ${versionId}, got ${ContentRange === undefined ? 'no range' : `'${ContentRange}'`}`;
      throw new Error(`WrongRange: ${asked}: the step is tried again; if that does not help, see what answers in the place of Amazon S3`);
    }
    let offset = from;
    for await (const bytes of body as AsyncIterable<Buffer>) {
      yield { offset, bytes };
      offset += bytes.length;
    }
    if (offset !== size) {
      throw new Error(`CutTransfer: ${offset} of ${size} bytes came: the step is tried again`);
    }
  } finally {
    body.destroy();
  }
}

/** The lines of an object version that a range owns. */
export function linesOf(s3: S3Client, object: ObjectVersion, range: Range, size: number): AsyncGenerator<Piece> {
  return ownedLines(piecesFrom(s3, object, Math.max(0, range.from - 1), size), range);
}
