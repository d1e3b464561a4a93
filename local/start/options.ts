import { parseArgs } from 'node:util';

export interface StartOptions {
  keep: boolean;
  /** First and last month, 1 to 12. */
  months: [number, number];
  seed: number;
  config: string;
  port?: number;
}

export const HELP = `Deploys the blueprint into a local account, sends real flights through it, and stops.

  npm start -- [options]

  --months A-B     months of 2013 that come in first (default 1-3); three more arrive later
  --seed N         which rows get the planted faults (default 1)
  --config FILE    blueprint to deploy (default config/dev.yaml); it needs clock: replay, an
                   endpoint 'delay' and the contract of flights
  --port N         port of the local account on 127.0.0.1 (default: a free one)
  --keep           leave the account running; stop it with: npm run account -- down
  --help           this text

Nothing leaves this machine: no AWS account, profile or credential is read.`;

const FLAGS = {
  months: { type: 'string', default: '1-3' },
  seed: { type: 'string', default: '1' },
  config: { type: 'string', default: 'config/dev.yaml' },
  port: { type: 'string' },
  keep: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  endpoint: { type: 'string' },
} as const;

/** Undefined when only the help text was asked for. Errors: every argument that is not as it must be, at once. */
export function parseOptions(argv: string[]): StartOptions | undefined {
  let values;
  try {
    ({ values } = parseArgs({ args: argv, options: FLAGS, allowPositionals: false }));
  } catch (error) {
    throw new Error(`InvalidOption: ${(error as Error).message.split('. ')[0]}; \`npm start -- --help\` lists what there is`);
  }
  if (values.help) {
    return undefined;
  }
  const problems: string[] = [];
  const whole = (name: string, text: string, min: number, max: number) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      problems.push(`--${name} must be a whole number from ${min} to ${max}, got '${text}'`);
    }
    return value;
  };
  const [, first, last = first] = /^([^-]*)(?:-([^-]*))?$/.exec(values.months) ?? [undefined, values.months];
  const months: [number, number] = [whole('months', first, 1, 12), whole('months', last, 1, 12)];
  if (problems.length === 0 && months[0] > months[1]) {
    problems.push(`--months must be A-B with A not after B, got '${values.months}'`);
  } else if (problems.length === 0 && (months[1] - months[0] < 2 || months[1] > 9)) {
    problems.push(
      `--months must have at least 3 months, to train, validate and test, and end by 9, because 3 more arrive; got '${values.months}'`,
    );
  }
  if (values.endpoint !== undefined) {
    problems.push(
      `--endpoint '${values.endpoint}' is refused: npm start brings its own account on 127.0.0.1; to deploy to AWS use \`npx cdk deploy --all\``,
    );
  }
  const options = {
    keep: values.keep,
    months,
    seed: whole('seed', values.seed, 0, 2 ** 31 - 1),
    config: values.config,
    port: values.port === undefined ? undefined : whole('port', values.port, 1024, 65535),
  };
  if (problems.length > 0) {
    throw new Error(`InvalidOption: ${problems.join('; ')}`);
  }
  return options;
}
