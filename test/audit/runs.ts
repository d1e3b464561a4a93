import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { build, Plugin } from 'esbuild';
import { DataContract } from '../../lib/constructs/data/data-contract/data-contract';

const ROOT = resolve(__dirname, '../..');
const EXAMPLE = join(ROOT, 'examples/flight-delays');
const PYTHON = join(ROOT, 'local/.venv/bin/python');

/** A fault in the source: what stands where, and what the mutant has there. */
export interface Mutation {
  file: string;
  from: string;
  to: string;
}

export interface Audited {
  /** How often an attempt or a function died, by where. */
  hits: Record<string, number>;
  /** What the audit found, as far as it prints it. */
  problems: string[];
  /** How much it looked at. */
  looked: Record<string, number>;
}

/**
 * Runs the intake in a process of its own while everything breaks, and has an auditor that shares no code with it look at what is left.
 * `mutations` are put into the source first.
 */
export async function runAndAudit(
  { files, rows, seed }: { files: number; rows: number; seed: string },
  mutations: readonly Mutation[] = [],
): Promise<Audited> {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  try {
    const [program, contract, evidence] = ['main.cjs', 'contract.json', 'evidence'].map((name) => join(folder, name));
    writeFileSync(contract, DataContract.fromFile(join(EXAMPLE, 'contracts/flights.odcs.yaml'))._json);
    await bundle(program, mutations);
    const flights = join(EXAMPLE, 'data/flights.csv.gz');
    const run = [program, evidence, String(files), String(rows), seed, contract, flights];
    const options = { encoding: 'utf8', env: { ...process.env, NODE_NO_WARNINGS: '1' }, maxBuffer: 2 ** 28 } as const;
    const { hits } = JSON.parse(execFileSync(process.execPath, run, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })) as Pick<
      Audited,
      'hits'
    >;
    const { stdout, stderr } = spawnSync(PYTHON, [join(ROOT, 'verify/audit.py'), evidence], options);
    const lines = stdout.trimEnd().split('\n');
    if (!lines.at(-1)!.startsWith('{')) {
      throw new Error(`the audit ended without a result: ${stderr}`);
    }
    return { hits, problems: lines.slice(0, -1), looked: JSON.parse(lines.at(-1)!) as Record<string, number> };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function bundle(outfile: string, mutations: readonly Mutation[]): Promise<void> {
  const left = new Set(mutations);
  const mutate: Plugin = {
    name: 'mutate',
    setup: ({ onLoad }) => {
      onLoad({ filter: /\/runtime\/.*\.ts$/ }, ({ path }) => {
        const wanted = mutations.filter(({ file }) => file === relative(ROOT, path));
        const contents = wanted.reduce(
          (source, mutation) => {
            if (source.split(mutation.from).length !== 2) {
              throw new Error(`${mutation.file} has '${mutation.from}' not exactly once: the mutation must follow the source`);
            }
            left.delete(mutation);
            return source.replace(mutation.from, () => mutation.to);
          },
          readFileSync(path, 'utf8'),
        );
        return { contents, loader: 'ts' };
      });
    },
  };
  const entry = join(__dirname, 'main.ts');
  await build({ entryPoints: [entry], bundle: true, platform: 'node', outfile, logLevel: 'error', plugins: [mutate] });
  if (left.size > 0) {
    throw new Error(`nothing loads ${[...left].map(({ file }) => file).join(', ')}`);
  }
}
