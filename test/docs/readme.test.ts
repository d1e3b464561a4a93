import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudAssembly } from 'aws-cdk-lib/cx-api';
import { anchorsOf, Block, blocksOf, layers, pages, read, ROOT } from './pages';
import { run, typeCheck, Workplace } from './snippets';

const blocks = pages().flatMap((page) => blocksOf(page));
const code = blocks.filter(({ tag }) => tag === 'ts');

const HEAD =
  "import { Stack } from 'aws-cdk-lib';\nimport { PrivateNetwork, Scaling } from 'cdk-ai-workloads';\ndeclare const stack: Stack;\n";
const broken = (text: string): Block => blocksOf('broken.md', `# A page\n\n\`\`\`ts\n${HEAD}${text}\n\`\`\`\n`)[0];
const WRONG_NAME = broken("new PrivateNetwork(stack, 'N', { zones: 3 });");
const WRONG_TYPE = broken("new PrivateNetwork(stack, 'N', { availabilityZones: '3' });");
const NOT_THERE = broken('Scaling.automatic(3);');
const REFUSED = broken("new PrivateNetwork(stack, 'N', { availabilityZones: 1 });");
const INCOMPLETE = broken('declare const thing: Date;\nthing.getTime();');
const RIGHT = broken("new PrivateNetwork(stack, 'N', { availabilityZones: 2 });");

/** What each block built: run once, though several tests look at it. */
const runs = new Map<Block, Promise<CloudAssembly[]>>();
function ran(block: Block): Promise<CloudAssembly[]> {
  const result = runs.get(block) ?? run(block);
  runs.set(block, result);
  return result;
}

let problems: Map<Block, string[]>;
let workplace: Workplace;
beforeAll(() => {
  // Synth reports warnings there, such as alarms without a board, which a short usage may have; errors throw.
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
  problems = typeCheck([...code, WRONG_NAME, WRONG_TYPE, NOT_THERE, REFUSED, RIGHT]);
  workplace = new Workplace();
}, 180_000);
afterAll(() => workplace.leave());

describe('code in the documentation', () => {
  test.each(code)('compiles: $where', (block) => {
    expect(problems.get(block)).toEqual([]);
  });

  test.each(code)('runs and synthesizes: $where', async (block) => {
    for (const assembly of await ran(block)) {
      expect(assembly.stacks.length).toBeGreaterThan(0);
    }
  });

  test.each(layers())('shows how the layer %s is used', (layer) => {
    const page = `lib/constructs/${layer}/README.md`;
    expect(pages()).toContain(page);
    expect(code.filter((block) => block.page === page).length).toBeGreaterThan(0);
  });

  test('has a language for every block, and one name for TypeScript, so that none escapes', () => {
    const unchecked = blocks.filter(({ tag }) => ['', 'typescript', 'tsx', 'js', 'javascript'].includes(tag));
    expect(unchecked.map(({ where, tag }) => `${where} '${tag}'`)).toEqual([]);
  });
});

describe('a wrong usage in the documentation', () => {
  test.each([
    ['on a property that is not there', WRONG_NAME, "broken.md:7: Object literal may only specify known properties, and 'zones'"],
    ['on a value of the wrong type', WRONG_TYPE, "broken.md:7: Type 'string' is not assignable to type 'number'"],
    ['on a method that is not there', NOT_THERE, "broken.md:7: Property 'automatic' does not exist on type 'typeof Scaling'"],
  ])('fails the type check %s, and names the line', (_what, block, message) => {
    expect(problems.get(block)).toEqual([expect.stringContaining(message)]);
  });

  test('fails when it runs, although it compiles', async () => {
    expect(problems.get(REFUSED)).toEqual([]);
    await expect(run(REFUSED)).rejects.toThrow("InvalidPrivateNetwork: 'availabilityZones' must be between 2 and 6, got 1");
  });

  test('fails when it needs a thing that nobody gives', async () => {
    await expect(run(INCOMPLETE)).rejects.toThrow("broken.md:3: no fixture for 'thing: Date'");
  });

  test('fails on a template that Amazon CloudFormation would refuse', async () => {
    const role = "import { CfnQueue } from 'aws-cdk-lib/aws-sqs';\nnew CfnQueue(stack, 'Q', { delaySeconds: 901 });";
    await expect(run(broken(role))).rejects.toThrow(/DelaySeconds|901/);
  });

  test('differs from a right one by nothing else', async () => {
    expect(problems.get(RIGHT)).toEqual([]);
    expect(await run(RIGHT)).toHaveLength(1);
  });
});

const RUNBOOK = /Runbook: (\S+)#(\S+)$/;
const sources = readdirSync(join(ROOT, 'lib/constructs'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(ROOT, 'lib/constructs', file), 'utf8') }));

/** Name and description of every alarm of an assembly. */
function alarmsOf(assembly: CloudAssembly): { name: string; description: string }[] {
  return assembly.stacksRecursively
    .flatMap(({ template }) => Object.values<{ Type: string; Properties: Record<string, unknown> }>(template.Resources ?? {}))
    .filter(({ Type }) => /^AWS::CloudWatch::(Composite)?Alarm$/.test(Type))
    .map(({ Properties }) => ({ name: JSON.stringify(Properties.AlarmName), description: String(Properties.AlarmDescription ?? '') }));
}

describe('runbooks [O1, P2]', () => {
  let alarms: { name: string; description: string }[];
  beforeAll(async () => {
    // A block that does not run is told above; here its alarms are missing.
    const assemblies = await Promise.all(code.map((block) => ran(block).catch(() => [])));
    alarms = assemblies.flat().flatMap(alarmsOf);
  }, 180_000);

  test('have the section that the description of every alarm names', () => {
    const linked = alarms.filter(({ description }) => RUNBOOK.test(description));
    expect(linked.length).toBeGreaterThan(20);
    const links = new Set(linked.map(({ description }) => RUNBOOK.exec(description)!.slice(1).join('#')));
    const missing = [...links].filter((link) => {
      const [page, anchor] = link.split('#');
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
    'say in every section what it means, where to look, what to do and how to verify: %s',
    (page) => {
      const sections = read(page).split(/^## /m).slice(1);
      const parts = ['What it means', 'First look', 'What to do', 'How to verify'];
      const incomplete = sections.filter((text) => parts.some((part) => !new RegExp(`^\\*\\*${part}\\.\\*\\* \\S`, 'm').test(text)));
      expect(sections.length).toBeGreaterThan(0);
      expect(incomplete.map((text) => text.split('\n')[0])).toEqual([]);
    },
  );
});

test('blocks end where their fence ends, also with longer fences and at the end of a page', () => {
  const page = '````md\n```ts\na\n```\n````\ntext\n```ts\nb';
  expect(blocksOf('p', page).map(({ where, tag, code: text }) => [where, tag, text])).toEqual([
    ['p:1', 'md', '```ts\na\n```'],
    ['p:7', 'ts', 'b'],
  ]);
  expect(read('docs/architecture.md')).toContain('# Architecture');
});
