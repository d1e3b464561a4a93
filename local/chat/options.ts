import { parseArgs } from 'node:util';

export interface ChatOptions {
  readonly config: string;
  /** How many times faster platform time runs. */
  readonly factor: number;
  /** Minutes of the trace that are replayed, 1 to 10. */
  readonly minutes: number;
  /** Copies that are there before the traffic comes; undefined: as deployed. */
  readonly warm?: number;
  readonly output: string;
}

export const HELP = `Deploys the chat example into a local account and replays recorded traffic on it: its copies grow with the requests, go again, rest at
none, and come back for the next request. The model is a stand-in that keeps the pace of a GPU; policies, alarms and metrics act as on AWS.

  npm run chat -- [options]

  --minutes N      minutes of the trace that are replayed, 1 to 10 (default 10)
  --warm N         fewest copies until the traffic has come, as a schedule would set them (default: those of the config)
  --factor N       how many times faster platform time runs, 1 to 60 (default 10)
  --config FILE    blueprint to deploy (default config/chat.yaml)
  --output FOLDER  where timeline.svg and timeline.json go (default chat-timeline)
  --help           this text

Nothing leaves this machine: no AWS account, profile or credential is read.`;

const FLAGS = {
  minutes: { type: 'string', default: '10' },
  warm: { type: 'string' },
  factor: { type: 'string', default: '10' },
  config: { type: 'string', default: 'config/chat.yaml' },
  output: { type: 'string', default: 'chat-timeline' },
  help: { type: 'boolean', default: false },
} as const;

/** Undefined when only the help text was asked for. Errors: every argument that is not as it must be, at once. */
export function parseOptions(argv: string[]): ChatOptions | undefined {
  let values;
  try {
    ({ values } = parseArgs({ args: argv, options: FLAGS, allowPositionals: false }));
  } catch (error) {
    throw new Error(`InvalidOption: ${(error as Error).message.split('. ')[0]}; \`npm run chat -- --help\` lists what there is`);
  }
  if (values.help) {
    return undefined;
  }
  const problems: string[] = [];
  const whole = (name: string, text: string, min: number, max: number) => {
    if (!/^\d+$/.test(text) || Number(text) < min || Number(text) > max) {
      problems.push(`--${name} must be a whole number from ${min} to ${max}, got '${text}'`);
    }
    return Number(text);
  };
  const options = {
    ...{ config: values.config, output: values.output },
    ...{ minutes: whole('minutes', values.minutes, 1, 10), factor: whole('factor', values.factor, 1, 60) },
    warm: values.warm === undefined ? undefined : whole('warm', values.warm, 1, 1000),
  };
  if (problems.length > 0) {
    throw new Error(`InvalidOption: ${problems.join('; ')}`);
  }
  return options;
}
