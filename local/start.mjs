// `npm start`: runs on a fresh clone, so it needs nothing but Node and npm. It installs what the lock file names, builds the handlers,
// and hands over to local/start/main.ts.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (Number(process.versions.node.split('.')[0]) < 20) {
  fail(
    `WrongNode: this is Node ${process.versions.node}; 20 or newer is needed: install it from your package manager, then run npm start again`,
  );
}

// npm writes node_modules/.package-lock.json at each install: older than our lock file means that the packages are not those it names.
const changed = (...path) => (existsSync(join(root, ...path)) ? statSync(join(root, ...path)).mtimeMs : 0);
if (changed('node_modules', '.package-lock.json') < changed('package-lock.json')) {
  console.log('Installing the locked npm packages (once, about a minute) ...');
  if (spawnSync('npm', ['ci', '--silent'], { cwd: root, stdio: 'inherit' }).status !== 0) {
    fail(
      'InstallFailed: `npm ci` failed; its message is above. Check the network and the registry that npm is set up for, then run npm start again',
    );
  }
}

const main = join(root, 'local', 'start', 'main.ts');
const env = { ...process.env, JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '1', NODE_NO_WARNINGS: '1' };
const child = spawn(process.execPath, ['--import', 'tsx', main, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit', env });
// Ctrl-C reaches the child by itself (same process group); other signals are passed on. Its exit code is ours.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
