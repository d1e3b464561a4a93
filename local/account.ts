import { parseArgs } from 'node:util';
import { connectAccount, startAccount, stopAccount } from './account-process';
import { currentAccount, DEFAULT_STATE_DIR } from './account-state';
import { ensurePython } from './python';

export { type Account, connectAccount, startAccount, type StartOptions, stopAccount } from './account-process';
export { ensurePython } from './python';

const USAGE = `Usage: npm run account -- install|up|down|status|env [options]

  install  make the Python environment that it needs, unless it is there
  up       start the local account and leave it running
  down     stop it and everything it started
  status   say whether it runs, and where
  env      print its environment as export lines, for eval

Options of up:
  --port N       port on 127.0.0.1 (default: a free one)
  --factor N     how many times faster platform time runs, 1 to 3600 (default 20)
  --endpoint URL refused unless it is on this machine`;

async function up(values: { port?: string; factor?: string; endpoint?: string }): Promise<void> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`Interrupted: ${signal} while the account started; nothing is left running`)));
  }
  const account = await startAccount({
    port: values.port === undefined ? undefined : portOf(values.port),
    clockFactor: values.factor === undefined ? undefined : Number(values.factor),
    endpoint: values.endpoint,
    tied: false,
    progress: (text) => console.error(text),
    signal: abort.signal,
  });
  console.log(
    `The local account runs at ${account.url} (process ${account.pid}, platform clock x${account.clockFactor}); log: ${account.logFile}`,
  );
  console.log(exportLines(account.env));
}

const EXPORTED = ['AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION', 'AWS_EC2_METADATA_DISABLED', 'CDK_HOME'];
const exportLines = (env: Record<string, string>): string =>
  EXPORTED.map((name) => `export ${name}='${env[name].replaceAll("'", `'\\''`)}'`).join('\n');

function env(): void {
  const account = connectAccount();
  if (account === undefined) {
    throw new Error(
      'NoAccount: no local account is running: start one with `npm run account -- up`, or keep one with `npm start -- --keep`',
    );
  }
  console.log(exportLines(account.env));
}

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`InvalidPort: --port must be a whole number from 1 to 65535, got '${text}'`);
  }
  return port;
}

function status(): void {
  const record = currentAccount(DEFAULT_STATE_DIR);
  if (record?.pid === undefined) {
    console.log(record ? `process ${record.owner} is starting a local account` : 'no local account is running');
    process.exitCode = 1;
    return;
  }
  console.log(`running at ${record.url} as process ${record.pid} since ${record.startedAt}, platform clock x${record.clockFactor}`);
}

const COMMANDS = {
  install: async () => console.log(await ensurePython((text) => console.error(text))),
  up,
  down: async () => console.log((await stopAccount()) ? 'the local account is stopped' : 'no local account was running'),
  status,
  env,
};

const FLAGS = { port: { type: 'string' }, factor: { type: 'string' }, endpoint: { type: 'string' }, help: { type: 'boolean' } } as const;

function parse(args: string[]) {
  try {
    return parseArgs({ args, allowPositionals: true, options: FLAGS });
  } catch (error) {
    throw new Error(`InvalidOption: ${(error as Error).message.split('. ')[0]}: see the usage below\n\n${USAGE}`);
  }
}

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help) {
    console.log(USAGE);
    return;
  }
  if (positionals.length !== 1 || !Object.keys(COMMANDS).includes(positionals[0])) {
    throw new Error(
      `InvalidOption: give one of ${Object.keys(COMMANDS).join(', ')}, got '${positionals.join(' ')}': see the usage below\n\n${USAGE}`,
    );
  }
  await COMMANDS[positionals[0] as keyof typeof COMMANDS](values);
}

if (require.main === module) {
  main(process.argv.slice(2)).catch((error: Error) => {
    console.error(error.message);
    process.exitCode = error.message.startsWith('InvalidOption: ') ? 2 : 1;
  });
}
