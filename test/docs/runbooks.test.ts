import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudAssembly } from 'aws-cdk-lib/cx-api';
import { anchorsOf, blocksOf, pages, read, ROOT } from './pages';
import { run, Workplace } from './snippets';

const RUNBOOK = /Runbook: (\S+)#(\S+)$/;
const sources = readdirSync(join(ROOT, 'lib/constructs'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(ROOT, 'lib/constructs', file), 'utf8') }));

/** Every alarm that the usage in the documentation makes: name and description. */
const alarms: { name: string; description: string }[] = [];
let workplace: Workplace;
beforeAll(async () => {
  workplace = new Workplace();
  for (const block of pages()
    .flatMap((page) => blocksOf(page))
    .filter(({ tag }) => tag === 'ts')) {
    // A block that does not run is told by readme.test.ts; here its alarms are missing.
    (await run(block).catch(() => [])).forEach(collect);
  }
});
afterAll(() => workplace.leave());

function collect(assembly: CloudAssembly): void {
  for (const { template } of assembly.stacksRecursively) {
    for (const { Type, Properties } of Object.values<{ Type: string; Properties: Record<string, unknown> }>(template.Resources ?? {})) {
      if (/^AWS::CloudWatch::(Composite)?Alarm$/.test(Type)) {
        alarms.push({ name: JSON.stringify(Properties.AlarmName), description: String(Properties.AlarmDescription ?? '') });
      }
    }
  }
}

describe('runbooks [O1, P2]', () => {
  test('have the section that the description of every alarm names', () => {
    const linked = alarms.filter(({ description }) => RUNBOOK.test(description));
    expect(linked.length).toBeGreaterThan(20);
    const missing = linked.filter(({ description }) => {
      const [, page, anchor] = RUNBOOK.exec(description)!;
      return !pages().includes(page) || !anchorsOf(read(page)).has(anchor);
    });
    expect(missing).toEqual([]);
  });

  test('are named by every alarm that a construct can make: each is seen above', () => {
    const seen = new Set(alarms.flatMap(({ description }) => RUNBOOK.exec(description)?.[2] ?? []));
    const named = sources.flatMap(({ text }) => [...text.matchAll(/\brunbook: '([^']+)'/g)].map(([, anchor]) => anchor));
    expect(named.length).toBeGreaterThan(10);
    expect([...new Set(named)].filter((anchor) => !seen.has(anchor))).toEqual([]);
  });

  test('are named as literals, and by the one function that makes alarms', () => {
    const makers = sources.filter(({ text }) => /new (Composite)?Alarm\(/.test(text)).map(({ file }) => file);
    const computed = sources.flatMap(({ file, text }) =>
      [...text.matchAll(/\brunbook: (?!'|string;).*/g)].map(([line]) => `${file}: ${line}`),
    );
    expect(makers).toEqual(['ownership/alarms.ts']);
    expect(computed).toEqual([]);
  });

  test.each(pages().filter((page) => page.startsWith('docs/runbooks/')))(
    'say in every section what it means and how to verify: %s',
    (page) => {
      const sections = read(page).split(/^## /m).slice(1);
      const incomplete = sections.filter((text) => !text.includes('**What it means.**') || !text.includes('**How to verify.**'));
      expect(sections.length).toBeGreaterThan(0);
      expect(incomplete.map((text) => text.split('\n')[0])).toEqual([]);
    },
  );
});
