import { Block, blocksOf, layers, pages, read } from './pages';
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

let problems: Map<Block, string[]>;
let workplace: Workplace;
beforeAll(() => {
  problems = typeCheck([...code, WRONG_NAME, WRONG_TYPE, NOT_THERE, REFUSED, RIGHT]);
  workplace = new Workplace();
});
afterAll(() => workplace.leave());

describe('code in the documentation', () => {
  test.each(code)('compiles: $where', (block) => {
    expect(problems.get(block)).toEqual([]);
  });

  test.each(code)('runs and synthesizes: $where', async (block) => {
    for (const assembly of await run(block)) {
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

test('blocks end where their fence ends, also with longer fences and at the end of a page', () => {
  const page = '````md\n```ts\na\n```\n````\ntext\n```ts\nb';
  expect(blocksOf('p', page).map(({ where, tag, code: text }) => [where, tag, text])).toEqual([
    ['p:1', 'md', '```ts\na\n```'],
    ['p:7', 'ts', 'b'],
  ]);
  expect(read('docs/architecture.md')).toContain('# Architecture');
});
