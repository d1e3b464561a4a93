import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { layers, ROOT } from './pages';

const CONSTRUCTS = join(ROOT, 'lib/constructs');
const parse = (file: string, text = readFileSync(join(CONSTRUCTS, file), 'utf8')) =>
  ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);

/** Files that an `index.ts` exports, with the names when it does not export all of them. */
function exported(index: string): { file: string; names?: string[] }[] {
  return parse(index)
    .statements.filter(ts.isExportDeclaration)
    .flatMap(({ moduleSpecifier, exportClause }) => {
      const path = join(dirname(index), (moduleSpecifier as ts.StringLiteral).text);
      const names = exportClause && ts.isNamedExports(exportClause) ? exportClause.elements.map(({ name }) => name.text) : undefined;
      return existsSync(join(CONSTRUCTS, `${path}.ts`)) ? [{ file: `${path}.ts`, names }] : exported(`${path}/index.ts`);
    });
}

type Documented = ts.InterfaceDeclaration | ts.ClassDeclaration | ts.EnumDeclaration;
type Member = ts.ClassElement | ts.TypeElement | ts.EnumMember;

const has = (node: ts.HasModifiers, ...kinds: ts.SyntaxKind[]) => node.modifiers?.some(({ kind }) => kinds.includes(kind)) ?? false;
const docsOf = (node: ts.Node) =>
  ts
    .getJSDocCommentsAndTags(node)
    .map((doc) => doc.getText())
    .join('\n');
const nameOf = (node: Member) => (node.name as ts.Identifier).text;

/** Members that users of the library see. */
function publicMembers(declaration: Documented): Member[] {
  const members = [...declaration.members] as Member[];
  return members.filter(
    (member) =>
      member.name !== undefined &&
      !nameOf(member).startsWith('_') &&
      !has(member as ts.HasModifiers, ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword),
  );
}

/** Parameters of a constructor that are public properties at the same time. */
function parameterProperties(declaration: Documented): ts.ParameterDeclaration[] {
  const made = ([...declaration.members] as ts.Node[]).filter(ts.isConstructorDeclaration);
  return made.flatMap(({ parameters }) => parameters.filter((one) => has(one, ts.SyntaxKind.PublicKeyword)));
}

/** What is public in a file and has no documentation, or does not say its default. */
function undocumented(source: ts.SourceFile, names?: string[]): string[] {
  const declarations = source.statements
    .filter((node): node is Documented => ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node) || ts.isEnumDeclaration(node))
    .filter((node) => has(node, ts.SyntaxKind.ExportKeyword) && !/@internal/.test(docsOf(node)))
    .filter((node) => names === undefined || names.includes(node.name!.text));
  return declarations.flatMap((declaration) => {
    const where = (name: string) => `${source.fileName}: ${declaration.name!.text}.${name}`;
    const bare = [declaration, ...publicMembers(declaration), ...parameterProperties(declaration)].filter((node) => docsOf(node) === '');
    const silent = publicMembers(declaration).filter(
      (member) =>
        ts.isInterfaceDeclaration(declaration) &&
        ts.isPropertySignature(member) &&
        member.questionToken &&
        !/@default/.test(docsOf(member)),
    );
    return [
      ...bare.map((node) => where(node === declaration ? '' : (node.name as ts.Identifier).text)),
      ...silent.map((member) => `${where(nameOf(member))} without @default`),
    ];
  });
}

describe('public API', () => {
  test.each(layers().flatMap((layer) => exported(`${layer}/index.ts`)))(
    'is documented, with the default of whatever is optional: $file',
    ({ file, names }) => {
      expect(undocumented(parse(file), names)).toEqual([]);
    },
  );

  test('fails on a member without docs and on an option without default, and leaves internals alone', () => {
    const text = `
      /** Docs. */
      export interface FooProps {
        readonly bare: string;
        /** Docs. */
        readonly silent?: string;
        /**
         * Docs.
         *
         * @default 1
         */
        readonly fine?: number;
      }
      export class Foo {
        constructor(
          public readonly told: string,
          private readonly hidden: string,
        ) {}
        public _internal(): void {}
        private secret(): void {}
        /** Docs. */
        public static of(): void {}
      }
      /** @internal */
      export interface Inner {
        readonly bare: string;
      }`;
    expect(undocumented(parse('foo.ts', text))).toEqual([
      'foo.ts: FooProps.bare',
      'foo.ts: FooProps.silent without @default',
      'foo.ts: Foo.',
      'foo.ts: Foo.told',
    ]);
  });
});
