import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { filesOf, packFolder, packingProblems } from '../../../lib/constructs/models/archive';
import { folder } from '../serving/fixtures';

const pack = (path: string) => packFolder(path, filesOf(path));
const FILES = { 'model.json': '{"a": 1}', 'code/inference.py': 'print(1)\n', 'code/empty.txt': '', 'Zebra.txt': 'z' };

describe('archive of a model folder [M2, W8]', () => {
  test('holds the files with their content, in the order of their bytes, as tar reads them', () => {
    const path = folder(FILES);
    const out = folder({ 'model.tar.gz': pack(path).bytes });
    const list = execFileSync('tar', ['-tvzf', join(out, 'model.tar.gz')], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
    expect(
      list
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/).pop()),
    ).toEqual(['Zebra.txt', 'code/empty.txt', 'code/inference.py', 'model.json']);
    expect(list).toMatch(/^-rw-r--r-- 0\/0 +1 1970-01-01 00:00 Zebra.txt$/m);
    execFileSync('tar', ['-xzf', 'model.tar.gz'], { cwd: out });
    expect(execFileSync('diff', ['-r', join(path, 'code'), join(out, 'code')], { encoding: 'utf8' })).toBe('');
  });

  test('does not depend on times, modes or what tools leave behind', () => {
    const [a, b] = [folder(FILES), folder(FILES)];
    utimesSync(join(b, 'model.json'), 1, 1);
    chmodSync(join(b, 'model.json'), 0o755);
    mkdirSync(join(b, 'code/__pycache__'));
    writeFileSync(join(b, 'code/__pycache__/inference.cpython-311.pyc'), 'x');
    writeFileSync(join(b, '.DS_Store'), 'x');
    expect(pack(b).bytes.equals(pack(a).bytes)).toBe(true);
    expect(pack(b).hash).toBe(pack(a).hash);
    expect(pack(a).bytes.readUInt32LE(4)).toBe(0); // modification time of the gzip header
  });

  test('changes its hash when a byte, a name or a file changes', () => {
    const variants: Record<string, string>[] = [
      FILES,
      { ...FILES, 'model.json': '{"a": 2}' },
      { ...FILES, extra: '' },
      { 'model2.json': FILES['model.json'] },
    ];
    const hashes = variants.map((files) => pack(folder(files)).hash);
    expect(new Set(hashes).size).toBe(4);
  });

  test('gives back any content', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (content) => {
        const tar = gunzipSync(pack(folder({ f: Buffer.from(content) })).bytes);
        expect(tar.length % 512).toBe(0);
        expect(tar.subarray(512, 512 + content.length).equals(Buffer.from(content))).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test('refuses a folder above 1 GiB, which is too much to pack at synth', () => {
    const path = folder({ weights: '' });
    const sized = (bytes: number) => {
      truncateSync(join(path, 'weights'), bytes); // a hole, which takes no space on the disk
      return packingProblems(path, filesOf(path));
    };
    expect(sized(1024 ** 3)).toEqual([]);
    expect(sized(1024 ** 3 + 1)).toEqual([expect.stringContaining('holds 1073741825 bytes, at most 1073741824 can be packed at synth')]);
  });

  test('splits names that fit the two fields of a header and refuses others, and links', () => {
    const long = `${'d'.repeat(120)}/${'f'.repeat(99)}`;
    const path = folder({ [long]: 'x', [`${'e'.repeat(100)}/${'f'.repeat(101)}`]: 'x' });
    symlinkSync('nowhere', join(path, 'link'));
    const files = filesOf(path);
    const out = folder({ 'a.tar.gz': packFolder(path, [long]).bytes });
    expect(execFileSync('tar', ['-tzf', join(out, 'a.tar.gz')], { encoding: 'utf8' })).toBe(`${long}\n`);
    expect(packingProblems(path, files)).toEqual([
      expect.stringContaining('has too long a name for a tar archive'),
      expect.stringContaining("'link' in "),
    ]);
  });
});
