// Packs the library as it would be published, installs it into an empty TypeScript app and an empty Python app, and synthesizes one
// construct with a handler in each [W6]. Both use the oldest aws-cdk-lib of the peer range.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '..');
const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const oldest = (name: string): string => peerDependencies[name].replace('^', '');
const work = mkdtempSync(join(tmpdir(), 'packed-install-'));
const contract = join(root, 'examples/flight-delays/contracts/flights.odcs.yaml');

function run(cwd: string, command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1e9 });
}

/** The intake function must be there with its bundle as an asset file, or the package lacks its handlers. */
function check(language: string, assembly: string): void {
  const template = JSON.parse(readFileSync(join(assembly, 'Packed.template.json'), 'utf8'));
  const types = Object.values<{ Type: string }>(template.Resources).map((resource) => resource.Type);
  const bundles = readdirSync(assembly).filter((name) => name.startsWith('asset.') && existsSync(join(assembly, name, 'index.js')));
  if (!types.includes('AWS::Lambda::Function') || bundles.length === 0) {
    throw new Error(`${language}: no handler in the synthesized app (${types.length} resources, ${bundles.length} bundles)`);
  }
  console.log(`${language}: ${types.length} resources, ${bundles.length} handler bundles`);
}

function typescript(tarball: string): void {
  const app = join(work, 'typescript');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "name": "empty-app", "private": true }');
  writeFileSync(join(app, '.npmrc'), 'fund=false\naudit=false\n');
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const libraries = ['aws-cdk-lib', 'constructs', 'cdk-nag'].map((name) => `${name}@${oldest(name)}`);
  run(
    app,
    'npm',
    'install',
    '--silent',
    tarball,
    ...libraries,
    `typescript@${devDependencies.typescript}`,
    `@types/node@${devDependencies['@types/node']}`,
  );
  writeFileSync(
    join(app, 'app.ts'),
    `import { App, Stack } from 'aws-cdk-lib';
import { DataContract, DataIntake, DataZones } from 'cdk-ai-workloads';

const app = new App({ outdir: 'cdk.out' });
const stack = new Stack(app, 'Packed');
const zones = new DataZones(stack, 'Zones');
new DataIntake(stack, 'Flights', { zones, contract: DataContract.fromFile(${JSON.stringify(contract)}) });
app.synth();
`,
  );
  const compiler = [
    '--module',
    'commonjs',
    '--moduleResolution',
    'node10',
    '--ignoreDeprecations',
    '6.0',
    '--target',
    'es2022',
    '--types',
    'node',
  ];
  run(app, 'npx', 'tsc', '--strict', '--skipLibCheck', ...compiler, 'app.ts');
  run(app, 'node', 'app.js');
  check('TypeScript', join(app, 'cdk.out'));
}

function python(): void {
  const app = join(work, 'python');
  mkdirSync(app);
  run(root, 'npx', 'jsii-pacmak', '--targets', 'python', '--outdir', join(work, 'dist'), '--force');
  const wheel = readdirSync(join(work, 'dist/python')).find((name) => name.endsWith('.whl'));
  run(app, process.env.PYTHON ?? 'python3', '-m', 'venv', 'venv');
  run(app, 'venv/bin/pip', 'install', '--quiet', join(work, 'dist/python', wheel!), `aws-cdk-lib==${oldest('aws-cdk-lib')}`);
  writeFileSync(
    join(app, 'app.py'),
    `from aws_cdk import App, Stack
from cdk_ai_workloads import DataContract, DataIntake, DataZones

app = App(outdir="cdk.out")
stack = Stack(app, "Packed")
zones = DataZones(stack, "Zones")
DataIntake(stack, "Flights", zones=zones, contract=DataContract.from_file(${JSON.stringify(contract)}))
app.synth()
`,
  );
  run(app, 'venv/bin/python', 'app.py');
  check('Python', join(app, 'cdk.out'));
}

try {
  const packed = JSON.parse(run(root, 'npm', 'pack', '--silent', '--json', '--pack-destination', work));
  const { filename, files } = (Array.isArray(packed) ? packed[0] : Object.values(packed)[0]) as { filename: string; files: unknown[] };
  console.log(`packed ${files.length} files`);
  typescript(join(work, filename));
  python();
} finally {
  rmSync(work, { recursive: true, force: true });
}
