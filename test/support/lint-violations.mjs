// Lints one import per line of input, `<file> <import path>`, as if the file held nothing else; prints the messages as JSON.
import { readFileSync } from 'node:fs';
import { ESLint } from 'eslint';

const eslint = new ESLint({ cwd: process.cwd() });
const cases = JSON.parse(readFileSync(0, 'utf8'));
const results = [];
for (const [filePath, target] of cases) {
  const [{ messages }] = await eslint.lintText(`import * as x from '${target}';\nexport const y = x;\n`, { filePath });
  results.push(messages.map(({ message }) => message));
}
process.stdout.write(JSON.stringify(results));
