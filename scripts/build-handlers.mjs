// Bundles each runtime/<name>/handler.ts to assets/<name>/index.js, so that a user's synth needs neither esbuild nor Docker, and writes
// assets/THIRD_PARTY_NOTICES.txt with the licences of the packages that the bundles contain. With --if-changed only when the sources differ
// from those of the bundles that are there.
import { createHash } from 'node:crypto';
import { build } from 'esbuild';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const STAMP = 'SOURCES.sha256';

/** What the bundles are made of: our sources and the packages that the lock file names. */
function sources() {
  const hash = createHash('sha256');
  const files = ['lib', 'runtime'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)),
  );
  for (const name of [...files.filter((file) => /\.(ts|json)$/.test(file)).sort(), 'package-lock.json', 'scripts/build-handlers.mjs']) {
    hash.update(`${name}\0`).update(readFileSync(join(root, name)));
  }
  return hash.digest('hex');
}

const stamp = sources();
const stamped = join(root, 'assets', STAMP);
if (process.argv.includes('--if-changed') && existsSync(stamped) && readFileSync(stamped, 'utf8') === stamp) {
  console.log('the bundles are of these sources');
  process.exit(0);
}

const names = readdirSync(join(root, 'runtime')).filter((name) => existsSync(join(root, 'runtime', name, 'handler.ts')));

/** The folder of the package that a bundled file belongs to; undefined for files of ours. */
const packageOf = (file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];

function notice(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const files = readdirSync(join(root, folder)).filter((file) => /^(licen[cs]e|notice)/i.test(file));
  const texts = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim());
  return { title: `${name} ${version} (${typeof license === 'string' ? license : license?.type})`, text: texts.join('\n\n') };
}

/** Packages with the same text share it. */
function notices(folders) {
  const byText = new Map();
  for (const { title, text } of [...folders].sort().map(notice)) {
    byText.set(text, [...(byText.get(text) ?? []), title]);
  }
  return [...byText].map(([text, titles]) => `${[...new Set(titles)].join('\n')}\n\n${text}\n`).join(`\n${'-'.repeat(80)}\n\n`);
}

// Built aside and put in place at once: another program may be reading the bundles.
const aside = join(root, `assets.${process.pid}`);
const built = await Promise.all(
  names.map((name) =>
    build({
      entryPoints: [join(root, 'runtime', name, 'handler.ts')],
      outfile: join(aside, name, 'index.js'),
      absWorkingDir: root,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      minify: true,
      keepNames: true,
      legalComments: 'eof',
      logLevel: 'warning',
      metafile: true,
    }),
  ),
);
const packages = new Set(built.flatMap(({ metafile }) => Object.keys(metafile.inputs).map(packageOf)).filter(Boolean));
writeFileSync(join(aside, 'THIRD_PARTY_NOTICES.txt'), notices(packages));
writeFileSync(join(aside, STAMP), stamp);
rmSync(join(root, 'assets'), { recursive: true, force: true });
renameSync(aside, join(root, 'assets'));
console.log(`bundled ${names.length} handlers: ${names.join(', ')}`);
