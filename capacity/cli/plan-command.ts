import Table from 'cli-table3';
import { configBlock, PRECISIONS } from '../plan/config-block';
import { LeftOut } from '../plan/candidates';
import { Demand, steadyDemand, TokenDistribution, tracedDemand } from '../plan/demand';
import { MeasuredFile, readMeasuredFile } from '../plan/measured-file';
import { Range } from '../plan/month';
import { Answer, FleetPlan, isMeasured, plansFor, Question } from '../plan/plans';
import { DEFAULT_LIMITS } from '../policies/default-policy';
import { CHUNK_TOKENS, LanguageModel, modelNamed } from '../profiles/profile';
import { clear, exitCode, OptionReader, Output, parsed, progress } from './options';
import { DEFAULT_BOOT_SECONDS, objectiveOf } from './replay-command';

const DEFAULT_SEEDS = 5;
const DEFAULT_HEADROOM = 20;
const DEFAULT_HOURS = 24;

export const PLAN_USAGE = `Usage: npm run capacity -- plan --region REGION (--trace FILE | --rps N) MODEL [options]

Finds the fleets that hold an objective with the policy that the constructs deploy, and ranks them by what they cost a month
(capacity/README.md says what the simulator knows, and what not).

What comes:
  --trace FILE            a recorded trace or a file of rates, as of replay; with --mean-rps N, --lengths FILE, --rounds N
  --rps N                 or requests a second, with --hours N (default ${DEFAULT_HOURS}), and for a language model
  --prompt-tokens M[:P]   tokens of a prompt: all alike, or lognormal with median M and 95th percentile P
  --output-tokens M[:P]   tokens of an answer

MODEL is one of:
  --model NAME            a profiled model, such as llama-3-8b
  --parameters N          or its size: parameters, such as 8.03e9, with
  --precision NAME        fp32, bf16, fp8 or int4 (default bf16) and
  --kv-bytes-per-token N  bytes that a token adds to the KV cache
  --capacity FILE         or what one instance was measured to serve (docs/capacity-file.md): its instance type, its objective

Options:
  --region REGION         where it runs: instance types and prices are those of the catalogue there
  --instance TYPE         only this instance type; may be given more than once
  --price TYPE=USD        a price an hour that the catalogue does not have; may be given more than once
  --budget USD            most that a month may cost, at the upper end of its range
  --first-token-ms N, --token-ms N   promises, as of replay
  --priority-window S     requests state their priority by windows of so many seconds, as of replay; a capacity file says so itself
  --chunk-tokens N        prompt tokens that share an iteration at most, as of replay
  --boot SECONDS          median time until a new instance takes traffic (default ${DEFAULT_BOOT_SECONDS})
  --min N                 fewest instances (default ${DEFAULT_LIMITS.min}); more are planned where these miss too much
  --headroom PERCENT      by how much the most may be above what the load needed (default ${DEFAULT_HEADROOM})
  --seeds N               runs with other arrivals, boot times and routing (default ${DEFAULT_SEEDS})
  --name NAME             what the endpoint is called in the config (default chat)
  --explain FILE.html     draws the timeline of the cheapest: demand, capacity, misses
  --json                  the result for machines`;

const OPTIONS = {
  ...Object.fromEntries(
    [
      ...['trace', 'mean-rps', 'lengths', 'rounds', 'rps', 'hours', 'prompt-tokens', 'output-tokens', 'model', 'parameters', 'precision'],
      ...['kv-bytes-per-token', 'capacity', 'region', 'budget', 'first-token-ms', 'token-ms', 'priority-window', 'chunk-tokens', 'boot'],
      ...['min', 'headroom', 'seeds', 'name'],
      'explain',
    ].map((name) => [name, { type: 'string' as const }]),
  ),
  instance: { type: 'string', multiple: true },
  price: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

type Values = Readonly<Record<string, string | undefined>> & { readonly instance?: string[]; readonly price?: string[] };

/** Draws a timeline into a file. */
export type Explain = (file: string, plan: FleetPlan) => void;

/** Runs the command; its result is the exit code, as of replay. */
export function planCommand(args: string[], out: Output, err: Output, explain: Explain): number {
  return exitCode(err, PLAN_USAGE, () => {
    const values = parsed(args, OPTIONS);
    if (values.help === true) {
      out.write(`${PLAN_USAGE}\n`);
      return;
    }
    const { name, explain: file, ...question } = questionOf(values as unknown as Values);
    const onProgress = (type: string, done: number, of: number) => progress(err, `plan: ${type}, ${done} of ${of} instance types done`);
    const answer = plansFor({ ...question, onProgress });
    clear(err);
    const block = blockOf(name, question, answer);
    const json = { ...answer, plans: answer.plans.map((plan) => ({ ...plan, timeline: undefined })), config: block };
    out.write(values.json === true ? `${JSON.stringify(json, undefined, 2)}\n` : `${told(question, answer)}\n\n${block}`);
    if (file !== undefined) {
      explain(file, answer.plans[0]);
    }
  });
}

/** Errors: `UsageError` with every problem; those of the files. */
function questionOf(values: Values): Question & { name: string; explain?: string } {
  const read = new OptionReader(values);
  const { region = '', name = 'chat' } = values;
  read.problems.push(...(region === '' ? ['--region is missing'] : []));
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(name)) {
    read.problems.push(`--name must be a lower-case name of up to 20 letters, digits and hyphens, got '${name}'`);
  }
  if (values.explain !== undefined && !values.explain.endsWith('.html')) {
    read.problems.push(`--explain must be a file that ends in .html, got '${values.explain}'`);
  }
  const model = modelOf(values, read);
  const demand = demandOf(values, read);
  const seeds = read.number('seeds', 1, 1000, true) ?? DEFAULT_SEEDS;
  const question = {
    region,
    instances: values.instance,
    prices: pricesOf(values.price ?? [], read),
    budget: read.number('budget', 1, 1e9, false),
    objective: objectiveOf(read),
    ...serverOf(values, read),
    bootSeconds: read.number('boot', 1, 7200, false) ?? DEFAULT_BOOT_SECONDS,
    min: read.number('min', 1, 1000, true) ?? DEFAULT_LIMITS.min,
    headroom: (read.number('headroom', 0, 1000, false) ?? DEFAULT_HEADROOM) / 100,
    seeds: Array.from({ length: seeds }, (_, place) => place + 1),
  };
  read.check();
  return { ...question, name, explain: values.explain, model: model(), demand: demand() };
}

/** How the servers of a language model work; of what was measured the file says all that is known. */
function serverOf(values: Values, read: OptionReader): Pick<Question, 'priorityWindowSeconds' | 'chunkTokens'> {
  const strange = ['priority-window', 'chunk-tokens'].filter((name) => values.capacity !== undefined && values[name] !== undefined);
  read.problems.push(...strange.map((name) => `--${name} goes with --model and --parameters: a capacity file says how it was measured`));
  return {
    priorityWindowSeconds: read.number('priority-window', 1, 600, false),
    chunkTokens: read.number('chunk-tokens', 16, CHUNK_TOKENS, true),
  };
}

function pricesOf(given: readonly string[], read: OptionReader): Record<string, number> {
  return Object.fromEntries(
    given.map((text) => {
      const [, type, price] = /^(ml\.[a-z0-9-]+\.[a-z0-9]+)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
      if (type === undefined || Number(price) === 0) {
        read.problems.push(`--price must be like ml.g6e.xlarge=2.61, got '${text}'`);
      }
      return [type, Number(price)];
    }),
  );
}

function modelOf(values: Values, read: OptionReader): () => string | LanguageModel | MeasuredFile {
  const { model, parameters, precision = 'bf16', capacity } = values;
  if ([model, parameters, capacity].filter((given) => given !== undefined).length !== 1) {
    read.problems.push('give exactly one of --model, --parameters and --capacity');
  }
  if (parameters === undefined) {
    const alone = ['precision', 'kv-bytes-per-token'].filter((name) => values[name] !== undefined);
    read.problems.push(...alone.map((name) => `--${name} goes with --parameters`));
    return () => (capacity === undefined ? model! : readMeasuredFile(capacity));
  }
  if (!Object.hasOwn(PRECISIONS, precision)) {
    read.problems.push(`--precision must be one of ${Object.keys(PRECISIONS).join(', ')}, got '${precision}'`);
  }
  if (values['kv-bytes-per-token'] === undefined) {
    read.problems.push('--kv-bytes-per-token is missing: 2 x layers x key-value heads x their size x bytes of a value');
  }
  const size = read.number('parameters', 1e6, 1e13, false)! / 1e9;
  const kvBytesPerToken = read.number('kv-bytes-per-token', 1, 1e9, true)!;
  return () => ({ parametersBillions: size, bytesPerParameter: PRECISIONS[precision], kvBytesPerToken });
}

function demandOf(values: Values, read: OptionReader): () => Demand {
  const { trace, rps, capacity } = values;
  if ((trace === undefined) === (rps === undefined)) {
    read.problems.push('give either --trace or --rps');
  }
  const ofTraces = {
    meanRate: read.number('mean-rps', 0.001, 100_000, false),
    lengths: values.lengths,
    rounds: read.number('rounds', 1, 1000, true),
  };
  const [hours, requestsPerSecond] = [read.number('hours', 0.5, 24 * 60, false), read.number('rps', 0.001, 100_000, false)];
  const tokens = (name: string) => tokensOf(name, values[name], read, rps !== undefined && capacity === undefined);
  const [prompt, output] = [tokens('prompt-tokens'), tokens('output-tokens')];
  const wrong =
    trace === undefined
      ? ['mean-rps', 'lengths', 'rounds'].map((name) => [name, '--trace'])
      : ['hours', 'prompt-tokens', 'output-tokens'].map((name) => [name, '--rps']);
  read.problems.push(...wrong.filter(([name]) => values[name] !== undefined).map(([name, other]) => `--${name} goes with ${other}`));
  return () =>
    trace === undefined
      ? steadyDemand({ requestsPerSecond: requestsPerSecond!, hours: hours ?? DEFAULT_HOURS, prompt, output })
      : tracedDemand(trace, ofTraces);
}

function tokensOf(name: string, text: string | undefined, read: OptionReader, needed: boolean): TokenDistribution {
  const [, median, p95] = /^(\d{1,7})(?::(\d{1,7}))?$/.exec(text ?? '1') ?? [];
  const wrong = median === undefined || +median < 1 || (p95 !== undefined && +p95 < +median);
  if (wrong || (needed && text === undefined)) {
    read.problems.push(`--${name} must be tokens like 500, or a median and a 95th percentile like 500:2000, got '${text ?? ''}'`);
  }
  return { median: +median, p95: p95 === undefined ? undefined : +p95 };
}

function blockOf(
  name: string,
  { model, objective, demand, priorityWindowSeconds: window, chunkTokens }: Question,
  { plans }: Answer,
): string {
  const size = typeof model === 'string' ? modelNamed(model) : model;
  const priorityWindowSeconds = 'path' in size ? size.priorityWindowSeconds : window;
  return configBlock({ name, plan: plans[0], model: size, objective, lengths: demand.open(1).lengths, priorityWindowSeconds, chunkTokens });
}

const usd = ({ mean, p5, p95 }: Range): string => `${mean.toFixed(0)} (${p5.toFixed(0)}-${p95.toFixed(0)})`;

function told({ demand, region, model }: Question, { plans, leftOut }: Answer): string {
  const head = ['instance type', 'min', 'max', 'target', 'missed', 'GPU-hours', 'USD a month', 'USD/h'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { type, min, max, target, missRatio, gpuHours, usd: month, usdPerHour } of plans) {
    table.push([type, min, max, target, `${(missRatio * 100).toFixed(2)} %`, gpuHours.mean.toFixed(0), usd(month), usdPerHour]);
  }
  const [best] = plans;
  return [
    `${demand.name} in ${region}${isMeasured(model) ? `, ${model.model} as measured on ${model.measuredOn}` : ''}; the cheapest first`,
    table.toString(),
    'Target: requests a second that each of many instances is planned to serve.',
    `USD a month: the mean, and from 5 % to 95 % of ${best.basis}; that the speed of the GPU is`,
    `${isMeasured(model) ? 'taken from one measurement' : 'partly an estimate (capacity/profiles/gpus.json)'} and prices change is not in it.`,
    ...[...new Set(plans.map(({ priceSource }) => priceSource))].map((source) => {
      const types = plans.filter(({ priceSource }) => priceSource === source).map(({ type }) => type);
      return `price of ${types.join(', ')}: ${source}`;
    }),
    ...grouped(leftOut),
    `quotas to ask for: ${best.quotas.map(({ quota, needed }) => `'${quota}' ${needed}`).join(', ')}`,
  ].join('\n');
}

/** Types without a price have one line, the others each their own. */
function grouped(leftOut: readonly LeftOut[]): string[] {
  const unpriced = leftOut.filter(({ reason }) => reason.startsWith('UnknownPrice'));
  return [
    ...leftOut.filter((one) => !unpriced.includes(one)).map(({ type, reason }) => `left out ${type}: ${reason}`),
    ...(unpriced.length === 0
      ? []
      : [`left out for want of a price in the Region (--price TYPE=USD): ${unpriced.map(({ type }) => type).join(', ')}`]),
  ];
}
