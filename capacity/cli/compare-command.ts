import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { bars, told } from '../compare/bars';
import { CANDIDATES, DEFAULT_NAME } from '../compare/candidates';
import { compare, Comparison } from '../compare/compare';
import { detectionSeconds } from '../compare/detection';
import { page } from '../compare/page';
import { FULL, QUICK } from '../compare/suite';
import { Performer, Workers } from '../compare/workers';

const PROCESSES = 2;

export const COMPARE_USAGE = `Usage: npm run capacity -- compare [--quick] [--json FILE] [--html FILE]
       npm run capacity -- bars [--quick] [--from FILE]

compare runs what the constructs deploy (for servers that work in order of arrival, and for those whose late requests wait), the peers' defaults and fixed fleets
on all traces, GPUs, boot times and seeds, in ${PROCESSES} processes, and tells what each missed and cost. bars says of what is ours whether it keeps the bars.

Options:
  --quick      two recorded traces, two GPUs, one boot time, two seeds: to see that it works
  --json FILE  the figures of each run for machines (default cdk.out/capacity-compare.json)
  --html FILE  the report (default cdk.out/capacity-compare.html)
  --from FILE  of bars: figures that compare wrote, instead of running it`;

const OPTIONS = {
  quick: { type: 'boolean' },
  json: { type: 'string' },
  html: { type: 'string' },
  from: { type: 'string' },
  help: { type: 'boolean' },
} as const;

interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Runs a command; its result is the exit code: 0, 1 when it fails or a bar of the default is not kept, 2 for a command line that cannot be understood. */
export async function compareCommand(
  name: 'compare' | 'bars',
  args: string[],
  out: Output,
  err: Output,
  performer?: Performer,
): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({ args, options: OPTIONS }));
  } catch (error) {
    err.write(`InvalidOption: ${(error as Error).message.split('. ')[0]}\n\n${COMPARE_USAGE}\n`);
    return 2;
  }
  const strange = name === 'bars' ? ['json', 'html'] : ['from'];
  const given = strange.filter((option) => option in values);
  if (given.length > 0) {
    err.write(`InvalidOption: --${given.join(', --')} is none of ${name}\n\n${COMPARE_USAGE}\n`);
    return 2;
  }
  if (values.help === true) {
    out.write(`${COMPARE_USAGE}\n`);
    return 0;
  }
  try {
    const comparison = values.from === undefined ? await run(values.quick === true, err, performer) : read(values.from);
    return name === 'bars' ? tellBars(comparison, out) : await write(comparison, values, out);
  } catch (error) {
    err.write(`${(error as Error).message}\n`);
    return 1;
  }
}

async function run(quick: boolean, err: Output, performer: Performer = new Workers(PROCESSES)): Promise<Comparison> {
  const started = Date.now();
  try {
    return await compare(quick ? QUICK : FULL, performer, (share) => {
      const seconds = (Date.now() - started) / 1000;
      const left = Math.ceil((seconds * (1 - share)) / share);
      err.write(err.isTTY === true ? `\r\u001b[Kcompare: ${Math.floor(share * 100)} %, about ${left} s left` : '');
    });
  } finally {
    performer.close();
    err.write(err.isTTY === true ? '\r\u001b[K' : '');
  }
}

function read(path: string): Comparison {
  let content;
  try {
    content = JSON.parse(readFileSync(path, 'utf8')) as Partial<Comparison>;
  } catch (error) {
    throw new Error(`InvalidComparison: ${(error as Error).message} [in ${path}]`);
  }
  if (content.suite === undefined || !Array.isArray(content.rows)) {
    throw new Error(`InvalidComparison: the file is none that compare wrote [in ${path}]`);
  }
  return content as Comparison;
}

async function write(comparison: Comparison, { json, html }: { json?: string; html?: string }, out: Output): Promise<number> {
  // @ts-expect-error -- plain JavaScript
  const { frontier } = await import('../compare/frontier.mjs');
  const files = [
    [json ?? 'cdk.out/capacity-compare.json', `${JSON.stringify(comparison, undefined, 1)}\n`],
    [html ?? 'cdk.out/capacity-compare.html', page(comparison, frontier)],
  ];
  for (const [path, content] of files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    out.write(`${path} is written\n`);
  }
  return 0;
}

function tellBars(comparison: Comparison, out: Output): number {
  let failed = false;
  for (const candidate of CANDIDATES.filter(({ kind }) => kind === 'ours')) {
    const isDefault = candidate.name === DEFAULT_NAME;
    const wrong = CANDIDATES.filter(({ of }) => of === candidate.name).map(({ name }) => name);
    out.write(`${candidate.name}\n`);
    for (const { name, holds, detail } of bars(comparison, candidate.name, wrong, detectionSeconds(candidate))) {
      failed ||= isDefault && holds === false;
      out.write(`  ${told(holds).padEnd(12)}${name}\n${detail.map((line) => `              ${line}\n`).join('')}`);
    }
  }
  return failed ? 1 : 0;
}
