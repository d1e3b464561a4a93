import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, AppProps, Stack } from 'aws-cdk-lib';
import type { CloudAssembly } from 'aws-cdk-lib/cx-api';
import ts from 'typescript';
import { app, CONTEXT } from '../support/synth';
import { FIXTURES } from './fixtures';
import { Block, blocksOf, read, ROOT } from './pages';

/*
 * How code in the documentation is written, so that it can be checked and run:
 *
 * - a block tagged `ts` is a whole module: it imports what it uses, this library as 'cdk-ai-workloads';
 * - what the reader has already is said with `declare const name: Type;`. A `Stack` is a new one, other types come from fixtures.ts;
 * - paths are those of the repository's examples/, or of a copy of examples/flight-delays with capacity/delay.json of docs/capacity-file.md;
 * - every app that a block makes, and the app above a declared `Stack`, is synthesized, as strictly as the blueprint;
 * - an exported subclass of `Stack` is made once, in an app of its own;
 * - what is not such code has another language tag.
 */

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.CommonJS,
  moduleResolution: ts.ModuleResolutionKind.Node10,
  ignoreDeprecations: '6.0',
  lib: ['lib.es2023.d.ts'],
  types: ['node'],
  strict: true,
  esModuleInterop: true,
  resolveJsonModule: true,
  skipLibCheck: true,
  noEmit: true,
  paths: { 'cdk-ai-workloads': [join(ROOT, 'lib/index.ts')] },
};

/** Type-checks blocks in one program, each as a module that lies in the repository; the problems of each block, as `page:line: text`. */
export function typeCheck(blocks: readonly Block[]): Map<Block, string[]> {
  const files = new Map(blocks.map((block, i) => [join(ROOT, `snippet-${i}.ts`), block]));
  const disk = ts.createCompilerHost(OPTIONS);
  const program = ts.createProgram([...files.keys()], OPTIONS, {
    ...disk,
    fileExists: (path) => files.has(path) || disk.fileExists(path),
    readFile: (path) => files.get(path)?.code ?? disk.readFile(path),
    getSourceFile: (path, version, ...rest) =>
      files.has(path) ? ts.createSourceFile(path, files.get(path)!.code, version, true) : disk.getSourceFile(path, version, ...rest),
  });
  return new Map(
    [...files].map(([path, block]) => {
      const source = program.getSourceFile(path)!;
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      return [block, found.map((diagnostic) => describe(block, source, diagnostic))];
    }),
  );
}

function describe(block: Block, source: ts.SourceFile, { start, messageText }: ts.Diagnostic): string {
  const line = source.getLineAndCharacterOfPosition(start ?? 0).line + block.line + 1;
  return `${block.page}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
}

/** The folder that blocks stand in: what a user copies, and a measured capacity. */
export class Workplace {
  private readonly before = process.cwd();
  private readonly folder = mkdtempSync(join(tmpdir(), 'readme-'));

  constructor() {
    cpSync(join(ROOT, 'examples/flight-delays'), this.folder, { recursive: true });
    symlinkSync(join(ROOT, 'examples'), join(this.folder, 'examples'));
    mkdirSync(join(this.folder, 'capacity'));
    const example = blocksOf('docs/capacity-file.md', read('docs/capacity-file.md')).find(({ tag }) => tag === 'json')!;
    writeFileSync(join(this.folder, 'capacity/delay.json'), example.code);
    process.chdir(this.folder);
  }

  public leave(): void {
    process.chdir(this.before);
    rmSync(this.folder, { recursive: true });
  }
}

/** Runs a block and synthesizes every app that it makes or builds in. */
export async function run(block: Block): Promise<CloudAssembly[]> {
  const source = ts.createSourceFile('snippet.ts', block.code, ts.ScriptTarget.ES2022, true);
  const apps: App[] = [];
  const modules = await importsOf(source, apps);
  const given = declarationsOf(block, source, apps);
  const { outputText } = ts.transpileModule(block.code, { compilerOptions: { ...OPTIONS, noEmit: undefined, paths: undefined } });
  const exported: Record<string, unknown> = {};
  new Function('exports', 'require', ...given.keys(), outputText)(exported, (name: string) => modules.get(name), ...given.values());
  Object.values(exported)
    .filter(isStackClass)
    .forEach((made) => new made(anApp(apps), 'Stack'));
  return apps.map((each) => strictly(block, each.synth()));
}

function anApp(apps: App[]): App {
  apps.push(app());
  return apps.at(-1)!;
}

/** What a block imports. An `App` that it makes has the context of the blueprint and is remembered. */
async function importsOf(source: ts.SourceFile, apps: App[]): Promise<Map<string, unknown>> {
  const names = source.statements.filter(ts.isImportDeclaration).map(({ moduleSpecifier }) => (moduleSpecifier as ts.StringLiteral).text);
  const modules = new Map<string, unknown>();
  for (const name of names) {
    modules.set(name, await import(name === 'cdk-ai-workloads' ? '../../lib' : name));
  }
  class RememberedApp extends App {
    constructor(props?: AppProps) {
      super({ ...props, context: { ...CONTEXT, ...props?.context } });
      apps.push(this);
    }
  }
  if (modules.has('aws-cdk-lib')) {
    modules.set('aws-cdk-lib', Object.create(modules.get('aws-cdk-lib') as object, { App: { value: RememberedApp } }));
  }
  return modules;
}

/** A value for each `declare const` of a block. */
function declarationsOf(block: Block, source: ts.SourceFile, apps: App[]): Map<string, unknown> {
  const declared = source.statements
    .filter(ts.isVariableStatement)
    .filter(({ modifiers }) => modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword))
    .flatMap(({ declarationList }) => declarationList.declarations.map((d) => [d.name.getText(), d.type!.getText()]));
  if (declared.length === 0) {
    return new Map();
  }
  const stack = new Stack(anApp(apps), 'Snippet');
  return new Map(
    declared.map(([name, type]) => {
      if (type !== 'Stack' && FIXTURES[type] === undefined) {
        throw new Error(`${block.where}: no fixture for '${name}: ${type}': add one to test/docs/fixtures.ts`);
      }
      return [name, type === 'Stack' ? stack : FIXTURES[type](stack)];
    }),
  );
}

const isStackClass = (value: unknown): value is new (scope: App, id: string) => Stack =>
  typeof value === 'function' && value.prototype instanceof Stack;

/** Errors that constructs put beside the tree fail the CLI, not `synth()`. */
function strictly(block: Block, assembly: CloudAssembly): CloudAssembly {
  const errors = assembly.stacks.flatMap(({ messages }) => messages).filter(({ level }) => level === 'error');
  if (errors.length > 0) {
    throw new Error(`${block.where}: ${errors.map(({ id, entry }) => `${String(entry.data)} [at ${id}]`).join('; ')}`);
  }
  return assembly;
}
