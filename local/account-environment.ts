import { delimiter, join } from 'node:path';

/** The one account and region of the local account. The access key is the account id, as the emulator wants it. */
export const LOCAL_ACCOUNT = { account: '000000000000', region: 'us-east-1', secret: 'local' } as const;

/** What of the caller's environment reaches the account and the commands that talk to it. */
const ALLOWED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TERM', 'TZ', 'USER', 'SHELL', 'COLUMNS', 'NO_COLOR', 'FORCE_COLOR', 'CI'];

/** Problems with a target that is not this machine: one sentence for each. A profile or credentials of AWS are no problem. */
export function foreignTargets(env: NodeJS.ProcessEnv, endpoint?: string): string[] {
  const named = Object.entries(env).filter(([name, value]) => /^AWS_ENDPOINT_URL(_|$)/.test(name) && value);
  const targets: [string, string][] = [...named.map(([name, value]): [string, string] => [name, value ?? ''])];
  if (endpoint !== undefined) {
    targets.push(['--endpoint', endpoint]);
  }
  return targets
    .filter(([, value]) => !isLoopback(value))
    .map(
      ([name, value]) =>
        `ForeignEndpoint: ${name} is '${value}', but the local account talks to this machine only: unset it, or name an address on localhost`,
    );
}

function isLoopback(url: string): boolean {
  try {
    const { hostname } = new URL(url);
    return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  } catch {
    return false;
  }
}

/** Settings for both sides: no file, profile or metadata service of a developer's own AWS account is read. */
function awsSettings(url: string, emptyFile: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: LOCAL_ACCOUNT.account,
    AWS_SECRET_ACCESS_KEY: LOCAL_ACCOUNT.secret,
    AWS_REGION: LOCAL_ACCOUNT.region,
    AWS_DEFAULT_REGION: LOCAL_ACCOUNT.region,
    AWS_CONFIG_FILE: emptyFile,
    AWS_SHARED_CREDENTIALS_FILE: emptyFile,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
    NO_PROXY: '127.0.0.1,localhost',
  };
}

function allowed(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(ALLOWED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name] ?? '']])));
}

/** The environment of commands that talk to the account: the CDK CLI, SDK clients, our Python clients. */
export function clientEnvironment(env: NodeJS.ProcessEnv, url: string, stateDir: string, clockFactor: number): Record<string, string> {
  return {
    ...allowed(env),
    ...awsSettings(url, join(stateDir, 'empty')),
    CDK_HOME: join(stateDir, 'cdk-home'),
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    CDK_DISABLE_VERSION_CHECK: 'true',
    CDK_DEFAULT_ACCOUNT: LOCAL_ACCOUNT.account,
    CDK_DEFAULT_REGION: LOCAL_ACCOUNT.region,
    JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '1',
    NODE_NO_WARNINGS: '1',
    GATEWAY_PORT: new URL(url).port,
    PLATFORM_CLOCK_FACTOR: String(clockFactor),
    PYTHONPATH: __dirname,
  };
}

/**
 * The environment of the account's own process. Functions inherit it; NODE_PATH gives CDK's own handlers an AWS SDK. The caller's ACCOUNT_MODULES
 * names folders of Python modules that come before the account's own, so that a test can replace a part of it; INSTANCE_PROVISIONING_SECONDS says
 * how many platform seconds an endpoint waits for another instance.
 */
export function accountEnvironment(env: NodeJS.ProcessEnv, url: string, stateDir: string, clockFactor: number): Record<string, string> {
  return {
    ...allowed(env),
    ...awsSettings(url, join(stateDir, 'empty')),
    GATEWAY_PORT: new URL(url).port,
    BIND_HOST: '127.0.0.1',
    MINISTACK_HOST: 'localhost',
    MINISTACK_REGION: LOCAL_ACCOUNT.region,
    SFTP_ENABLED: '0',
    IOT_MTLS_ENABLED: '0',
    LAMBDA_EXECUTOR: 'local',
    PLATFORM_CLOCK_FACTOR: String(clockFactor),
    ...(env.INSTANCE_PROVISIONING_SECONDS === undefined ? {} : { INSTANCE_PROVISIONING_SECONDS: env.INSTANCE_PROVISIONING_SECONDS }),
    ACCOUNT_STATE_DIR: stateDir,
    PYTHONPATH: [env.ACCOUNT_MODULES, __dirname].filter(Boolean).join(delimiter),
    PYTHONUNBUFFERED: '1',
    NODE_PATH: join(__dirname, '..', 'node_modules'),
    NODE_NO_WARNINGS: '1',
    TMPDIR: join(stateDir, 'tmp'),
  };
}
