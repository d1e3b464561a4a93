import { join } from 'node:path';
import { profileNamed } from '../profiles/profile';
import { RunResult, Simulation } from '../simulator/simulation';
import { RateStep, PoissonSource } from '../traces/generated';
import { readLengths, RecordedLengths } from '../traces/lengths';
import { RequestSource } from '../traces/source';
import { Check } from './check';
import { oneInstance } from './queueing';

/** The recorded conversations that come with the project. */
export const CONVERSATIONS = join(__dirname, '..', 'traces', 'azure-llm-2023', 'AzureLLMInferenceTrace_conv.csv');

const MUSGRAVE = 'https://johnmusgrave.com/p/vllm-throughput-latency-sweep-on (Llama-3.1-8B, A100 40GB, vLLM 0.23, 1,024 in, 128 out)';
const VIDUR = 'github.com/microsoft/vidur data/profiling/compute/a100/meta-llama/Meta-Llama-3-8B/mlp.csv, without attention';
const TOLERANCE = 0.1;

/**
 * Times of a token against measurements. The first two are of another machine and another program than those that the profiles are taken from; the
 * others show that the tables are read as they are.
 */
export function speedChecks(): Check[] {
  const alone = tokensPerSecond('llama-3-8b@ml.p4d.24xlarge', 1);
  const eight = tokensPerSecond('llama-3-8b@ml.p4d.24xlarge', 8);
  const table = [
    [1, 9.8],
    [8, 9.8 + ((11.0 - 9.8) * 7) / 31],
    [32, 11.0],
  ] as const;
  const checks = [
    { name: 'A100 40GB, one stream: tokens a second', expected: 75, simulated: alone, unit: '1/s', source: MUSGRAVE },
    { name: 'A100 40GB, 8 streams: throughput by that of one', expected: 6.6, simulated: eight / alone, unit: '', source: MUSGRAVE },
    ...table.map(([batch, expected]) => ({
      name: `A100 80GB, batch of ${batch}: time of a token without attention`,
      expected,
      simulated: tokenTime('llama-3-8b@ml.p4de.24xlarge', batch) * 1000,
      unit: 'ms',
      source: VIDUR,
    })),
  ];
  return checks.map((check) => ({ ...check, tolerance: TOLERANCE }));
}

/**
 * Tokens a second when on average so many requests are in the server: a benchmark that keeps so many open sees the same. By Little's law the number is
 * rate times latency, and the rate at which it is as wanted is found by halving.
 */
function tokensPerSecond(profile: string, streams: number): number {
  const [prompt, output, requests] = [1024, 128, 400];
  const { service } = profileNamed(profile);
  let [low, high] = [0.01, 100];
  for (let halving = 0; halving < 20; halving++) {
    const rate = (low + high) / 2;
    const run = new Simulation(oneInstance(service), { seed: 1 }).run(new Regular(requests, 1 / rate, prompt, output));
    [low, high] = rate * run.outcome.latency.mean < streams ? [rate, high] : [low, rate];
  }
  return low * output;
}

/** Mean time of a token when so many requests are decoded together and nothing is read of their context. */
function tokenTime(profile: string, batch: number): number {
  const service = { ...profileNamed(profile).service, readSeconds: 0 };
  const { outcome } = new Simulation(oneInstance(service), { seed: 1 }).run(new Regular(batch, 0, 1, 1000));
  return (outcome.latency.mean - outcome.firstToken.mean) / 999;
}

/** So many equal requests with equal gaps. */
class Regular implements RequestSource {
  public at: number;
  public constructor(
    private left: number,
    private readonly gap: number,
    public readonly prompt: number,
    public readonly output: number,
  ) {
    this.at = -gap;
  }

  public next(): boolean {
    this.at += this.gap;
    return this.left-- > 0;
  }
}

/** What one server of a profile does with conversations that come at a rate, for so many seconds after as many of warming up. */
export function conversations(profile: string, steps: readonly RateStep[], seconds: number): RunResult {
  const source = new PoissonSource(steps, 2 * seconds, new RecordedLengths(readLengths(CONVERSATIONS), 3), 3);
  return new Simulation(oneInstance(profileNamed(profile).service), { seed: 3, countFrom: seconds }).run(source);
}
