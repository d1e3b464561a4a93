import { DEFAULT_LIMITS } from '../policies/default-policy';
import { DEFAULT_OBJECTIVE } from '../profiles/objective';
import { CHUNK_TOKENS } from '../profiles/profile';
import { Objective } from '../simulator/outcome';
import { clear, exitCode, OptionReader, Output, parsed, progress } from './options';
import { replay, ReplayOptions, ReplayResult } from './replay';

export const DEFAULT_BOOT_SECONDS = 307;

export const REPLAY_USAGE = `Usage: npm run capacity -- replay --trace FILE --profile MODEL@INSTANCE [options]

Replays a trace of requests through a simulated endpoint that scales (capacity/README.md says how, and what it does not know).

Options:
  --trace FILE          a recorded trace (TIMESTAMP,ContextTokens,GeneratedTokens) or a file of arrival rates (capacity/traces/README.md)
  --profile NAME        such as llama-3-8b@ml.g5.2xlarge
  --policy NAME|FILE    default: what the constructs deploy; fixed:N instances; or a plan in JSON, FILE.json (default: default)
  --boot SECONDS        median time until a new instance takes traffic (default ${DEFAULT_BOOT_SECONDS})
  --seed N              of arrivals, routing and boot times (default 1)
  --json                the result for machines on standard output
  --mean-rps N          of a file of rates: requests a second over its whole time (default: its own)
  --lengths FILE        of a file of rates: a recorded trace whose tokens its requests have (default: the conversations that come with the project)
  --rounds N            of a file of rates: how often it is gone through (default 1)
  --starts TIME         of a file of rates: when it begins, such as 2026-03-02T00:00:00Z; a plan with schedules needs it
  --min N, --max N      limits of the default policy (default ${DEFAULT_LIMITS.min} and ${DEFAULT_LIMITS.max}; asynchronous 0 and ${DEFAULT_LIMITS.max})
  --initial N           instances at the begin (default: what the policy holds at the rate of the first ten minutes)
  --routing WHAT        leastOutstanding, as the constructs deploy it, or random, which is SageMaker's default (default leastOutstanding)
  --priority-window S   requests that wait are served by windows of so many seconds, the newest first, as vLLM does for priorities that
                        the callers state (docs/capacity-file.md); absent: in the order of arrival
  --tokens              the default policy counts each request as much as its tokens (docs/capacity-file.md)
  --chunk-tokens N      prompt tokens that share an iteration at most (default ${CHUNK_TOKENS})
  --first-token-ms N    promised time to the first token (default ${DEFAULT_OBJECTIVE.firstTokenSeconds * 1000})
  --token-ms N          promised mean time of each token after it (default ${DEFAULT_OBJECTIVE.tokenSeconds * 1000})
  --asynchronous N      an asynchronous endpoint: requests wait in a queue, and each instance takes N at once
  --within SECONDS      of an asynchronous endpoint: promised time from the request to the whole answer, 60 to 3600`;

const OPTIONS = {
  trace: { type: 'string' },
  profile: { type: 'string' },
  policy: { type: 'string', default: 'default' },
  boot: { type: 'string' },
  seed: { type: 'string' },
  json: { type: 'boolean' },
  'mean-rps': { type: 'string' },
  lengths: { type: 'string' },
  rounds: { type: 'string' },
  starts: { type: 'string' },
  min: { type: 'string' },
  max: { type: 'string' },
  initial: { type: 'string' },
  routing: { type: 'string' },
  'priority-window': { type: 'string' },
  tokens: { type: 'boolean' },
  'chunk-tokens': { type: 'string' },
  'first-token-ms': { type: 'string' },
  'token-ms': { type: 'string' },
  asynchronous: { type: 'string' },
  within: { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** Runs the command; its result is the exit code: 0, 1 for what it refuses, 2 for a command line that cannot be understood. */
export function replayCommand(args: string[], out: Output, err: Output): number {
  return exitCode(err, REPLAY_USAGE, () => {
    const values = parsed(args, OPTIONS);
    if (values.help === true) {
      out.write(`${REPLAY_USAGE}\n`);
      return;
    }
    const onProgress = (share: number) => progress(err, `replay: ${Math.min(99, Math.floor(share * 100))} % of the trace`);
    const result = replay({ ...optionsOf(values), onProgress });
    clear(err);
    out.write(values.json === true ? `${JSON.stringify(result, undefined, 2)}\n` : `${summary(result)}\n`);
  });
}

/** Errors: `UsageError` with every problem. */
function optionsOf(values: ReturnType<typeof parsed<typeof OPTIONS>>): ReplayOptions {
  const read = new OptionReader(values);
  const { trace, profile, policy, routing = 'leastOutstanding', lengths } = values;
  read.problems.push(...(trace === undefined ? ['--trace is missing'] : []), ...(profile === undefined ? ['--profile is missing'] : []));
  if (routing !== 'random' && routing !== 'leastOutstanding') {
    read.problems.push(`--routing must be random or leastOutstanding, got '${routing}'`);
  }
  const asynchronous = read.number('asynchronous', 1, 1000, true);
  const within = read.number('within', 60, 3600, true);
  const fewest = asynchronous === undefined ? 1 : 0;
  read.problems.push(...queueProblems(values));
  const options = {
    bootSeconds: read.number('boot', 1, 7200, false) ?? DEFAULT_BOOT_SECONDS,
    seed: read.number('seed', 0, 2 ** 31 - 1, true) ?? 1,
    startsAt: read.time('starts'),
    meanRate: read.number('mean-rps', 0.001, 100_000, false),
    rounds: read.number('rounds', 1, 1000, true),
    min: read.number('min', fewest, 1000, true),
    max: read.number('max', 1, 1000, true),
    initial: read.number('initial', fewest, 1000, true),
    asynchronous,
    priorityWindowSeconds: read.number('priority-window', 1, 600, false),
    tokens: values.tokens,
    chunkTokens: read.number('chunk-tokens', 16, CHUNK_TOKENS, true),
    objective: asynchronous === undefined ? objectiveOf(read) : { latencySeconds: within ?? NaN },
  };
  read.check();
  return { ...options, trace: trace!, profile: profile!, policy, lengths, routing: routing as ReplayOptions['routing'] };
}

/** A queue promises the whole answer, and instances take from it what they like. */
function queueProblems(values: ReturnType<typeof parsed<typeof OPTIONS>>): string[] {
  if (values.asynchronous === undefined) {
    return values.within === undefined
      ? []
      : ['--within is of an asynchronous endpoint: give --asynchronous too, or --first-token-ms and --token-ms'];
  }
  const foreign = (['routing', 'priority-window', 'tokens', 'first-token-ms', 'token-ms'] as const).filter(
    (name) => values[name] !== undefined,
  );
  return [
    ...foreign.map((name) => `--${name} is of an endpoint that answers at once: leave it out with --asynchronous`),
    ...(values.within === undefined ? ['--within is missing: an asynchronous endpoint promises the whole answer'] : []),
  ];
}

/** What `--first-token-ms` and `--token-ms` promise. */
export function objectiveOf(read: OptionReader): Required<Pick<Objective, 'firstTokenSeconds' | 'tokenSeconds'>> {
  const seconds = (name: string, otherwise: number) => (read.number(name, 1, 3_600_000, false) ?? otherwise * 1000) / 1000;
  return {
    firstTokenSeconds: seconds('first-token-ms', DEFAULT_OBJECTIVE.firstTokenSeconds),
    tokenSeconds: seconds('token-ms', DEFAULT_OBJECTIVE.tokenSeconds),
  };
}

const perToken = (usd: number | null): string => (usd === null ? '' : `; ${usd.toFixed(2)} USD a million generated tokens`);

function summary(result: ReplayResult): string {
  const seconds = (value: number | null) => (value === null ? '-' : `${value.toFixed(2)} s`);
  const { timeToFirstTokenSeconds: first, latencySeconds: latency, usd } = result;
  return [
    `${result.requests} requests on ${result.profile}, policy ${result.policy}, boot ${result.bootSeconds} s, seed ${result.seed}`,
    ...(result.priorityWindowSeconds === null ? [] : [`served       by windows of ${result.priorityWindowSeconds} s, the newest first`]),
    ...(result.tokens ? ['counted      each request as much as its tokens'] : []),
    ...(result.chunkTokens === CHUNK_TOKENS ? [] : [`prompts      in chunks of ${result.chunkTokens} tokens at most`]),
    `missed       ${result.missed} (${(result.missRatio * 100).toFixed(2)} %), of which dropped ${result.dropped}`,
    `first token  p50 ${seconds(first.p50)}, p95 ${seconds(first.p95)}, p99 ${seconds(first.p99)}`,
    `answer       p50 ${seconds(latency.p50)}, p95 ${seconds(latency.p95)}, p99 ${seconds(latency.p99)}`,
    `GPU-hours    ${result.gpuHours.toFixed(2)}, at least ${result.lowerBoundGpuHours.toFixed(2)} on any fleet${usd === null ? '' : `; ${usd.toFixed(2)} USD`}`,
    `idle         ${result.idleShare === null ? '-' : `${(result.idleShare * 100).toFixed(1)} % of what is paid`}${perToken(result.usdPerMillionTokens)}`,
    `breaches     ${result.breaches}, the longest ${result.longestBreachSeconds} s until the objective held again`,
    `instances    ${result.initialInstances} at the begin, ${result.mostInstances} at most; ${result.scaleOuts} times out, ${result.scaleIns} in`,
    ...(result.measuredRequestsPerSecond === null
      ? []
      : [
          `one instance ${result.measuredRequestsPerSecond.toFixed(3)} requests a second${result.asynchronous === null ? ' within the objective' : ' while others wait'}, measured in the simulator`,
        ]),
  ].join('\n');
}
