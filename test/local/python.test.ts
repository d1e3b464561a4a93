import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPython } from '../../local/python';

/** A folder with programs that answer as Python of that version would. */
function pathWith(versions: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), 'pythons-'));
  for (const [name, version] of Object.entries(versions)) {
    writeFileSync(join(dir, name), `#!/bin/sh\necho ${version}\n`);
    chmodSync(join(dir, name), 0o755);
  }
  return dir;
}

describe('the Python of the local account', () => {
  test('fails when there is none and says what is needed', () => {
    expect(() => findPython({ PATH: pathWith({}) })).toThrow(
      'PythonMissing: the local account needs Python 3.10 or newer, but no Python was found',
    );
  });

  test('fails when all are too old and lists them', () => {
    expect(() => findPython({ PATH: pathWith({ python3: '3.9.18', python: '2.7.18' }) })).toThrow('python3 is 3.9.18, python is 2.7.18');
  });

  test('is a newer one by its full name when python3 is too old', () => {
    expect(findPython({ PATH: pathWith({ python3: '3.9.18', 'python3.12': '3.12.1' }) })).toBe('python3.12');
  });

  test('is the one that PYTHON names, and no other', () => {
    expect(() => findPython({ PATH: pathWith({ python3: '3.11.0' }), PYTHON: '/nowhere/python' })).toThrow('PythonMissing');
  });
});
