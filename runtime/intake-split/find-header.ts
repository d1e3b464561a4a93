import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_RECORD_BYTES } from '../../lib/constructs/data/data-intake/contract';
import { Framed, Framer } from '../intake/framing';
import { noHeader, readHeader } from '../intake/header';
import { FileRejected } from '../intake/validator';
import { Piece } from './lines';

const RETURN = 0x0d;

/** Where the data of a CSV file begins. Blank lines may stand before the header. Errors: FileRejected, as the validator of whole files. */
export async function findHeader(
  contract: CompiledContract,
  pieces: AsyncIterable<Piece>,
): Promise<{ dataStart: number; order: number[] }> {
  let found: { dataStart: number; order: number[] | string } | undefined;
  const { newlinesQuoted } = contract;
  const framer = new Framer({ quotes: true, newlinesQuoted, maximum: MAXIMUM_RECORD_BYTES }, (record) => {
    found ??= { dataStart: behind(record), order: readHeader(contract, record) };
  });
  for await (const { bytes } of pieces) {
    framer.feed(bytes);
    if (found !== undefined) {
      break;
    }
  }
  framer.finish();
  if (found === undefined) {
    throw new FileRejected(noHeader(contract));
  }
  const { dataStart, order } = found;
  if (typeof order === 'string') {
    throw new FileRejected(order);
  }
  return { dataStart, order };
}

/** The first byte behind the line of a record. */
function behind({ buffer, start, end, offset }: Framed): number {
  const newline = buffer[end] === RETURN ? end + 1 : end;
  return offset + Math.min(newline + 1, buffer.length) - start;
}
