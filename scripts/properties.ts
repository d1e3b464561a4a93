// `npm run properties [name ...]`: every property of test/**/*.property.test.ts (or of files that have one of the names), 10,000 runs each, one
// file after the other. PROPERTY_RUNS says another number. A failure prints its seed and path, and the rest goes on.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import Table from 'cli-table3';

const ROOT = resolve(__dirname, '..');
const runs = process.env.PROPERTY_RUNS ?? '10000';
if (!/^[1-9]\d*$/.test(runs)) {
  console.error(`PROPERTY_RUNS must be a whole number of 1 or more, got '${runs}'`);
  process.exit(2);
}
const wanted = process.argv.slice(2);
const files = readdirSync(join(ROOT, 'test'), { recursive: true, withFileTypes: true })
  .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
  .filter((file) => file.endsWith('.property.test.ts') && (wanted.length === 0 || wanted.some((name) => file.includes(name))))
  .sort();
if (files.length === 0) {
  console.error(`no property test is named like ${wanted.join(', ')}`);
  process.exit(2);
}
const table = new Table({ head: ['property tests', 'minutes', 'result'], style: { head: [], border: [] } });
let failed = 0;
files.forEach((file, i) => {
  console.error(`${i + 1} of ${files.length}: ${file}, ${runs} runs each`);
  const start = Date.now();
  const env = { ...process.env, PROPERTY_RUNS: runs, PROPERTY_PROGRESS: '1' };
  const { status } = spawnSync('npx', ['jest', '--ci', file], { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'] });
  failed += status === 0 ? 0 : 1;
  table.push([file, ((Date.now() - start) / 60_000).toFixed(1), status === 0 ? 'holds' : 'FAILS']);
});
console.log(table.toString());
process.exitCode = failed === 0 ? 0 : 1;
