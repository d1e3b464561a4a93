import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPython, INSTALL_LOCKED } from '../local/python';

const LOCK = join(__dirname, 'requirements.lock');
const VENV = join(__dirname, '.venv');
const STAMP = join(VENV, 'requirements.sha256');
const PYTHON = join(VENV, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

/** Installs the Python frameworks into a virtual environment of their own, as the lock file says, once; returns its interpreter. */
export function installFrameworks(): string {
  const wanted = createHash('sha256').update(readFileSync(LOCK)).digest('hex');
  if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== wanted) {
    process.stderr.write('installing the frameworks in bench/.venv (about 250 MB, once)\n');
    rmSync(VENV, { recursive: true, force: true });
    execFileSync(findPython(process.env), ['-m', 'venv', VENV]);
    execFileSync(PYTHON, [...INSTALL_LOCKED, LOCK], { stdio: ['ignore', 'ignore', 'inherit'] });
    writeFileSync(STAMP, wanted);
  }
  return PYTHON;
}
