import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { loadBlueprint } from '../lib/config/load';
import { argumentsOf, ENVIRONMENT, runCommand } from './command';
import { CapacityFile, capacityFile, checkFleet, withFleet } from './measure/capacity-file';
import { Clock, realClock } from './measure/clock';
import { MeasurableEndpoint, measurableEndpoint } from './measure/endpoint';
import type { EndpointClients } from './measure/model';
import { MeasureOptions, optionsOf } from './measure/options';
import type { Send } from './measure/open-loop';
import { planText, stepLine, stepTable, tokenLines, ToldStep } from './measure/report';
import { loadClient, senderOf, warmUp } from './measure/runtime';
import { beginning, measureRate, watchEventLoop } from './measure/run';
import type { Bench, StatedTokens } from './measure/step';

/** Images for which the local account has a stand-in (local/account/sagemaker/llm/host.py), by their labels. */
const LANGUAGE_MODELS = /^(djl-inference|huggingface-vllm|vllm|huggingface-pytorch-tgi-inference)[:@]/;
const DEFAULT_CONFIG = 'config/dev.yaml';

const USAGE = `Usage: npm run measure -- <endpoint> --request FILE [options]

Finds the highest rate at which an endpoint still holds its objective and writes the capacity file that Scaling.between() takes
(docs/capacity-file.md). It sends real requests, at their times whatever is still open, and counts latency from those times.

<endpoint> is an endpoint of the config file, whose objective is taken, or the name of any SageMaker endpoint.

Options:
  --request FILE       body of a request; .jsonl: one a line, taken in turn
  --component NAME     an inference component of the endpoint: its copies are measured
  --content-type TYPE  of the bodies (default application/json)
  --percentile P       latency percentile that must hold, 50 to 99.9 (default: the config's)
  --below-ms N         its bound, milliseconds (default: the config's)
  --availability P     share of requests that must be served, percent (default: the config's, else 99.5)
  --priority-window SECONDS
                       each body, a JSON object, states \`priority\` when it is sent: -floor(unix time / SECONDS), 1 to 600, for a server
                       that serves by priority, as vLLM can (docs/capacity-file.md says when); the file states it, too
  --arrivals WHAT      poisson (default), or a file of recorded times: one a line, or a CSV that starts with TIMESTAMP
  --max-rate N         never more requests per second (default 1000)
  --max-minutes N      never longer (default 30)
  --seed N             of the arrivals (default 1)
  --output FILE        the capacity file (default capacity/<endpoint or component>.json)
  --fleet              add what the instances that run serve together, two or more, to that file, which states what one serves
  --config FILE        config file of the stage (default ${DEFAULT_CONFIG}, if it is there)
  --yes                load an endpoint that is not the local account's
  --json               the outcome for machines on standard output, progress on standard error

${ENVIRONMENT}`;

export interface Outcome {
  readonly file: CapacityFile;
  readonly steps: readonly ToldStep[];
  /** Of the confirmation. */
  readonly tokens?: StatedTokens;
  /** Instances that served, or copies of the component. */
  readonly units: number;
  readonly component: boolean;
  readonly atMaxRate: boolean;
  readonly minutes: number;
}

/** What a measurement has to do with. */
export interface World {
  readonly clients: EndpointClients;
  readonly send: Send;
  readonly clock: Clock;
  readonly watchLoop: Bench['watchLoop'];
  /** Whether the endpoint is one of the local account. */
  readonly local: boolean;
  readonly say: (text: string) => void;
}

/** Measures and returns what to write. Errors: what refuses or ends a measurement; then there is no file. */
export async function measure(world: World, options: MeasureOptions): Promise<Outcome> {
  const { clients, send, clock, watchLoop, local, say } = world;
  const { objective, arrivals, seed, single, priorityWindowSeconds } = options;
  const before = await measurableEndpoint(clients, options);
  if (local && LANGUAGE_MODELS.test(before.image)) {
    throw new Error(
      `StandIn: in the local account ${before.image} is a stand-in that keeps the pace of a GPU on the platform clock, so the seconds of this clock say nothing about ` +
        'it: `npm run measure:chat` measures the stand-in in its own time, and this command the real one in AWS',
    );
  }
  if (single !== undefined) {
    checkFleet(single, before, options);
  }
  const started = clock.now();
  say(
    `${before.component ?? before.endpoint}: ${before.units} x ${before.component === undefined ? '' : 'a copy on '}${before.instance}, ${before.image}, model ${before.model}`,
  );
  const typicalMs = await warmUp(send, clock);
  say(`warm: ${typicalMs.toFixed(1)} ms for one request alone`);
  say(planText(objective, beginning(typicalMs, options), arrivals.name));
  if (priorityWindowSeconds !== undefined) {
    say(`each request states its priority, by windows of ${priorityWindowSeconds} s: the newest is served first`);
  }
  const steps: ToldStep[] = [];
  const found = await measureRate({ clock, send, arrivals, watchLoop }, options, typicalMs, (step) => {
    steps.push(step);
    say(stepLine(step, objective.percentile));
  });
  const changed = differences(before, await measurableEndpoint(clients, options));
  if (changed.length > 0) {
    throw new Error(`EndpointChanged: while it was measured ${changed.join(', ')}: measure again when nobody deploys`);
  }
  const how = `${arrivals.name} arrivals, seed ${seed}${local ? ', local account' : ''}`;
  const file = capacityFile(before, options, found, new Date(), how);
  return {
    file: single === undefined ? file : withFleet(single, file, before.units),
    steps,
    tokens: found.step.tokens,
    units: before.units,
    component: before.component !== undefined,
    atMaxRate: found.atMaxRate,
    minutes: (clock.now() - started) / 60_000,
  };
}

const NAMES = { configuration: 'configuration', units: 'fleet', model: 'model' };

function differences(before: MeasurableEndpoint, after: MeasurableEndpoint): string[] {
  return (['configuration', 'units', 'model'] as const)
    .filter((name) => before[name] !== after[name])
    .map((name) => `its ${NAMES[name]} went from ${before[name]} to ${after[name]}`);
}

/** Whether the runtime client talks to this machine, by the environment as the SDK reads it. */
export function isLocal(env: NodeJS.ProcessEnv): boolean {
  if (env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true') {
    return false;
  }
  const url = env.AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME ?? env.AWS_ENDPOINT_URL;
  return url !== undefined && URL.canParse(url) && /^(localhost|\[::1\]|127\.\d+\.\d+\.\d+)$/.test(new URL(url).hostname);
}

/** What a load on a live endpoint means, to be read before it begins; empty for the local account. Errors: `LiveEndpoint` without consent. */
export function warning({ endpoint, maxRate, maxMinutes }: MeasureOptions, local: boolean, yes: boolean): string[] {
  const text =
    `this sends up to ${maxRate} requests a second for up to ${maxMinutes} minutes to ${endpoint}, beyond what it can serve: its clients ` +
    'will wait, its alarms may go off, data capture keeps the requests, and instances, capture and transfer cost money';
  if (!local && !yes) {
    throw new Error(`LiveEndpoint: ${text}: add --yes to do it`);
  }
  return local ? [] : [text];
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const OPTIONS = {
  ...{
    request: text,
    component: text,
    'content-type': text,
    percentile: text,
    'below-ms': text,
    availability: text,
    arrivals: text,
    'max-rate': text,
  },
  ...{ 'priority-window': text, 'max-minutes': text, seed: text, output: text, config: text, fleet: flag, yes: flag, json: flag },
};

async function main(args: string[]): Promise<number> {
  const { values, argument } = argumentsOf(args, OPTIONS, USAGE);
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const config =
    values.config === undefined && !existsSync(DEFAULT_CONFIG) ? undefined : loadBlueprint(String(values.config ?? DEFAULT_CONFIG));
  const options = optionsOf(argument, values, config, USAGE);
  const local = isLocal(process.env);
  const common = config?.region === undefined ? {} : { region: config.region };
  const clients = { registry: new SageMakerClient(common), scaling: new ApplicationAutoScalingClient(common) };
  const send = senderOf(loadClient(common), options);
  const say = values.json === true ? console.error : console.log;
  warning(options, local, values.yes === true).forEach(say);
  mkdirSync(dirname(options.output), { recursive: true }); // before the time is spent
  const outcome = await measure({ clients, send, clock: realClock, watchLoop: watchEventLoop, local, say }, options);
  writeFileSync(options.output, `${JSON.stringify(outcome.file, null, 2)}\n`);
  console.log(values.json === true ? JSON.stringify(outcome, null, 2) : textOf(outcome, options, local));
  return 0;
}

/** For people. */
export function textOf(
  { file, steps, tokens, units, component, atMaxRate, minutes }: Outcome,
  { objective, maxRate, output }: MeasureOptions,
  local: boolean,
): string {
  return [
    stepTable(steps, objective.percentile),
    `${(file.fleet ?? file).requestsPerSecondPerInstance} requests per second and ${component ? 'copy' : 'instance'} (${units} running), after ${minutes.toFixed(1)} minutes; written to ${output}`,
    ...tokenLines(tokens, file),
    ...(atMaxRate ? [`It held --max-rate ${maxRate}; it may hold more.`] : []),
    ...(local ? ['This is what the local account on this machine serves, not what the instance type serves in AWS.'] : []),
  ].join('\n');
}

if (require.main === module) {
  runCommand(main);
}
