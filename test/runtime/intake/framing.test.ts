import fc from 'fast-check';
import { Framed, Framer } from '../../../runtime/intake/framing';
import { cutNaively } from './naive';

const MAXIMUM = 12;

interface Frame {
  text: string;
  offset: number;
  length: number;
  fault?: Framed['fault'];
}

function frame(chunks: Buffer[], quotes = true, maximum = MAXIMUM, over: object = {}): { records: Frame[]; open?: number } {
  const records: Frame[] = [];
  const framer = new Framer({ quotes, maximum, ...over }, ({ buffer, start, end, offset, fault }) => {
    const text = fault === 'too long' ? '' : buffer.toString('latin1', start, end);
    records.push({ text, offset, length: end - start, fault });
  });
  chunks.forEach((chunk) => framer.feed(chunk));
  return { records, open: framer.finish() };
}

const texts = (file: string | Buffer) => frame([Buffer.from(file)]).records.map(({ text }) => text);

/** Bytes that framing turns on, and a few that it does not. */
const nastyFile = fc
  .array(
    fc.constantFrom(
      ...['\n', '\r', '\r\n', '"', '""', ',', 'a', 'bc', '\0', 'ä', '\ufeff', 'longer text'].map((t) => Buffer.from(t)),
      Buffer.from([0xff]),
      Buffer.from([0xef]),
    ),
    { maxLength: 40, size: 'max' },
  )
  .map((parts) => Buffer.concat(parts));

function cutAt(file: Buffer, places: number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (file.length + 1)).sort((a, b) => a - b), file.length];
  return sorted.slice(1).map((end, i) => file.subarray(sorted[i], end));
}

describe('records of a file [D3]', () => {
  test.each([
    ['newlines', 'a\nb\n'],
    ['carriage returns with newlines', 'a\r\nb\r\n'],
    ['a mixture', 'a\r\nb\n'],
    ['no newline at the end', 'a\nb'],
    ['a byte order mark', '\ufeffa\nb'],
    ['blank lines', '\n\r\na\n\n\r\nb\n\n'],
  ])('are the same with %s', (_, file) => {
    expect(texts(file)).toEqual(['a', 'b']);
  });

  test('keep a newline that is quoted', () => {
    expect(texts('a,"b\nc"\r\nd')).toEqual(['a,"b\nc"', 'd']);
    expect(texts('"a""\n",b\nc')).toEqual(['"a""\n",b', 'c']);
  });

  test('end at each newline when the contract says that no field holds one, also behind an open quote', () => {
    const { records, open } = frame([Buffer.from('a,"b\nc",d\n"e')], true, MAXIMUM, { newlinesQuoted: false });
    expect(records.map(({ text }) => text)).toEqual(['a,"b', 'c",d', '"e']);
    expect(open).toBeUndefined();
  });

  test('of a part keep their positions in the file, and a byte order mark behind its start is data', () => {
    const { records } = frame([Buffer.from('\ufeff\nb')], true, MAXIMUM, { offset: 100 });
    expect(records.map(({ offset, length }) => [offset, length])).toEqual([
      [100, 3],
      [104, 1],
    ]);
  });

  test('end at a newline behind a quote that does not start its field', () => {
    expect(texts('a"b\nc')).toEqual(['a"b', 'c']);
  });

  test('know nothing of quotes in JSON Lines', () => {
    expect(frame([Buffer.from('"a\nb"\n')], false).records.map(({ text }) => text)).toEqual(['"a', 'b"']);
  });

  test('have the position that their bytes have in the file', () => {
    expect(frame([Buffer.from('\ufeff\na,b\r\n\nc')]).records.map(({ offset, length }) => [offset, length])).toEqual([
      [4, 3],
      [10, 1],
    ]);
  });

  test('at the maximum are read, one byte more is too long, and reading goes on behind it', () => {
    const [fits, tooLong] = ['x'.repeat(MAXIMUM), 'x'.repeat(MAXIMUM + 1)];
    expect(frame([Buffer.from(`${fits}\r\n${tooLong}\r\nnext`)]).records.map(({ fault, length }) => [fault, length])).toEqual([
      [undefined, 12],
      ['too long', 13],
      [undefined, 4],
    ]);
  });

  test('that are too long end at the next newline even inside quotes', () => {
    const { records, open } = frame([Buffer.from(`"${'x'.repeat(20)}\nnext\nlast`)]);
    expect(records.map(({ fault, text }) => fault ?? text)).toEqual(['too long', 'next', 'last']);
    expect(open).toBeUndefined();
  });

  test('say in which record a quote is still open at the end', () => {
    expect(frame([Buffer.from('a\n"b\n')]).open).toBe(2);
    expect(frame([Buffer.from('a\n"b"')]).open).toBeUndefined();
    expect(frame([Buffer.from('a\n"b"",')]).open).toBe(2);
    expect(frame([Buffer.from('\ufeff"a\n'), Buffer.from('b')]).open).toBe(3);
  });

  test.each([
    ['invalid UTF-8', Buffer.concat([Buffer.from('ok\n'), Buffer.from([0x61, 0xff]), Buffer.from('\nok')])],
    ['NUL byte', Buffer.from('ok\na\0b\nok')],
  ])('with %s are marked, and only they', (fault, file) => {
    expect(frame([file]).records.map((record) => record.fault)).toEqual([undefined, fault, undefined]);
  });

  test('do not depend on how the file is cut into chunks', () => {
    fc.assert(
      fc.property(nastyFile, fc.array(fc.nat(200), { maxLength: 8 }), fc.boolean(), (file, places, quotes) => {
        expect(frame(cutAt(file, places), quotes)).toEqual(frame([file], quotes));
      }),
      { numRuns: 3000 },
    );
  });

  test('do not depend on chunks even when each is one byte', () => {
    fc.assert(
      fc.property(nastyFile, (file) => {
        expect(frame([...file].map((byte) => Buffer.from([byte])))).toEqual(frame([file]));
      }),
      { numRuns: 1000 },
    );
  });

  test('are those that a walk over the whole file finds', () => {
    fc.assert(
      fc.property(nastyFile, fc.boolean(), (file, quotes) => {
        const expected = cutNaively(file, quotes, MAXIMUM);
        const { records, open } = frame([file], quotes);
        expect(open === undefined).toBe(expected !== undefined);
        if (expected !== undefined) {
          expect(records.map(({ offset, length }) => [offset, length])).toEqual(
            expected.map(({ offset, bytes }) => [offset, bytes.length]),
          );
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('of which one is 24 MB long need no more memory than a chunk and a record', () => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    let most = 0;
    const records: Framed['fault'][] = [];
    const framer = new Framer({ quotes: true, maximum: 1024 * 1024 }, ({ fault }) => void records.push(fault));
    framer.feed(Buffer.from('first\n"'));
    for (let fed = 0; fed < 24 * 1024 * 1024; fed += chunk.length) {
      framer.feed(chunk);
      most = Math.max(most, (framer as unknown as { held: Buffer }).held.length);
    }
    framer.feed(Buffer.from('\nlast'));
    expect(framer.finish()).toBeUndefined();
    expect(records).toEqual([undefined, 'too long', undefined]);
    expect(most).toBeLessThanOrEqual(1024 * 1024 + 2);
  });
});
