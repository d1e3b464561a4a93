import { join } from 'node:path';
import { SEEDS } from '../../capacity/plan/month';
import { command, file, LLAMA, planned, STEADY } from './plan-support';

test.each([
  [
    'a model without room',
    ['--parameters', '7e10', '--kv-bytes-per-token', '327680', '--region', 'us-east-1', '--instance', 'ml.g5.xlarge'],
    'ModelTooLarge',
  ],
  [
    'an objective that no fleet can meet',
    [...LLAMA, '--instance', 'ml.g5.xlarge', '--token-ms', '2'],
    'ImpossibleObjective: 10000 of 10000 requests miss it on any fleet',
  ],
  [
    'a cost above the budget',
    [...LLAMA, '--instance', 'ml.g6e.xlarge', '--budget', '100'],
    'OverBudget: 3811 USD a month, up to 3811, the budget is 100',
  ],
  ['a Region without a price', ['--model', 'llama-3-8b', '--region', 'eu-central-1', '--instance', 'ml.g5.xlarge'], 'UnknownPrice'],
  [
    'a model that is not profiled',
    ['--model', 'llama-3-8', '--region', 'us-east-1', '--instance', 'ml.g5.xlarge'],
    "did you mean 'llama-3-8b'?",
  ],
])('refuses %s and says why', (_, args, message) => {
  const { code, err, out } = command([...STEADY, ...args]);
  expect([code, out]).toEqual([1, '']);
  expect(err).toMatch(/^NoInstance: no instance type serves this:\n {2}ml\./);
  expect(err).toContain(message);
});

test('refuses what misses too much even with the largest fleet', () => {
  // Requests come all at once: whoever waits behind is late, however many instances there are.
  const lines = Array.from({ length: 4000 }, () => '1970-01-01T00:10:00.000,4000,60');
  const trace = file('flood.csv', ['TIMESTAMP,ContextTokens,GeneratedTokens', '1970-01-01T00:00:00.000,4000,60', ...lines].join('\n'));
  expect(command(['--trace', trace, ...LLAMA, '--instance', 'ml.g6e.xlarge', '--seeds', '1']).err).toMatch(
    /TooManyMisses: \d+\.\d+ % of requests miss the objective even with \d+ instances all the time/,
  );
});

test.each([
  [[], '--region is missing; give exactly one of --model, --parameters and --capacity; give either --trace or --rps'],
  [[...LLAMA, '--rps', '1'], "--prompt-tokens must be tokens like 500, or a median and a 95th percentile like 500:2000, got ''"],
  [[...LLAMA, ...STEADY, '--output-tokens', '500:100'], "got '500:100'"],
  [[...LLAMA, ...STEADY, '--price', 'g5=1'], "--price must be like ml.g6e.xlarge=2.61, got 'g5=1'"],
  [[...LLAMA, ...STEADY, '--seeds', '0'], "--seeds must be a whole number from 1 to 1000, got '0'"],
  [[...LLAMA, ...STEADY, '--name', 'Chat'], "got 'Chat'"],
  [[...LLAMA, ...STEADY, '--explain', 'x.svg'], "--explain must be a file that ends in .html, got 'x.svg'"],
  [[...LLAMA, ...STEADY, '--lengths', 'x.csv'], '--lengths goes with --trace'],
  [[...LLAMA, '--trace', 'x.csv', '--hours', '3'], '--hours goes with --rps'],
  [
    ['--region', 'us-east-1', ...STEADY, '--parameters', '8e9', '--precision', 'fp6'],
    "--precision must be one of fp32, bf16, fp8, int4, got 'fp6'; --kv-bytes-per-token is missing",
  ],
  [['--region', 'us-east-1', ...STEADY, '--capacity', 'x.json', '--priority-window', '6'], '--priority-window goes with --model and'],
  [[...LLAMA, ...STEADY, '--chunk-tokens', '8'], "--chunk-tokens must be a whole number from 16 to 512, got '8'"],
  [['--what'], "Unknown option '--what'"],
])('fails on %j and says what is allowed', (args, message) => {
  const { code, err } = command(args);
  expect(code).toBe(2);
  expect(err).toContain('InvalidOption');
  expect(err).toContain(message);
  expect(err).toContain('Usage: npm run capacity -- plan');
});

test('says on a terminal how far it is, and what its table is of', () => {
  const { err, out } = command([...STEADY, ...LLAMA, '--instance', 'ml.g6e.xlarge', '--instance', 'ml.g6e.16xlarge'], true);
  expect(err).toContain('plan: ml.g6e.xlarge, 0 of 1 instance types done');
  expect(out).toContain(`from 5 % to 95 % of ${SEEDS}`);
  expect(out).toContain('left out for want of a price in the Region (--price TYPE=USD): ml.g6e.16xlarge');
  expect(out).toContain("quotas to ask for: 'ml.g6e.xlarge for endpoint usage'");
  expect(command(['--help'])).toMatchObject({ code: 0, err: '' });
});

test('where late requests wait the day of a trace takes fewer hours, and the block says what callers and container do for that', () => {
  const rates = join(__dirname, '../../capacity/traces/servegen/deepseek-r1-rates.csv');
  const args = ['--trace', rates, '--mean-rps', '8', ...LLAMA, '--instance', 'ml.g6e.xlarge', '--seeds', '1'];
  const [inOrder, windows] = [[], ['--priority-window', '6']].map((more) => planned([...args, ...more]));
  expect(windows.plans[0].gpuHours.mean).toBeLessThan(0.98 * inOrder.plans[0].gpuHours.mean);
  expect(windows.plans[0].missRatio).toBeLessThan(0.01);
  expect(windows.config).toContain(
    'by windows of 6 s, and the container serves by it (docs/capacity-file.md): measure with --priority-window 6',
  );
  expect(inOrder.config).not.toContain('priority');
  const small = planned([...STEADY, ...LLAMA, '--instance', 'ml.g5.2xlarge', '--chunk-tokens', '256']);
  expect(small.config).toContain('prompts are read in chunks of 256 tokens at most');
  expect(small.plans[0].requestsPerSecond).toBeGreaterThan(
    planned([...STEADY, ...LLAMA, '--instance', 'ml.g5.2xlarge']).plans[0].requestsPerSecond,
  );
});
