// Bundles each runtime/<name>/handler.ts to assets/<name>/index.js, so that a user's synth needs neither esbuild nor Docker.
import { build } from 'esbuild';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const names = readdirSync(join(root, 'runtime')).filter((name) => existsSync(join(root, 'runtime', name, 'handler.ts')));
rmSync(join(root, 'assets'), { recursive: true, force: true });
await Promise.all(
  names.map((name) =>
    build({
      entryPoints: [join(root, 'runtime', name, 'handler.ts')],
      outfile: join(root, 'assets', name, 'index.js'),
      absWorkingDir: root,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      minify: true,
      keepNames: true,
      legalComments: 'eof',
      logLevel: 'warning',
    }),
  ),
);
console.log(`bundled ${names.length} handlers: ${names.join(', ')}`);
