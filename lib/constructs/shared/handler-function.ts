import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Architecture, CfnFunction, Code, Function as LambdaFunction, LoggingFormat, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

/** The one Lambda runtime of this library. Handlers are bundled for Node 20, so that older hosts run them too. @internal */
export const HANDLER_RUNTIME = Runtime.NODEJS_24_X;

/** @internal */
export interface HandlerFunctionProps {
  /** Folder of `runtime/` whose bundle is deployed. */
  readonly handler: string;
  /** What the function does, for the console. */
  readonly description: string;
  readonly environment?: Record<string, string>;
  readonly timeout: Duration;
  /** @default 512 MiB */
  readonly memory?: Size;
  /** @default 512 MiB */
  readonly ephemeralStorage?: Size;
}

/**
 * Most bytes of all environment variables of a function, measured as JSON: a quote inside a value counts twice
 * (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html,
 * https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594).
 */
const MOST_ENVIRONMENT_BYTES = 4096;
/** What is known only at deployment is counted as this many bytes: most names are shorter, and few ARNs are longer. */
const UNKNOWN = 'x'.repeat(64);

/**
 * A Lambda function from one of our prebuilt bundles, with its own log group, JSON logs and tracing. Errors at synth: an environment that AWS
 * Lambda would refuse.
 *
 * @internal
 */
export function handlerFunction(scope: Construct, id: string, props: HandlerFunctionProps): LambdaFunction {
  const made = new LambdaFunction(scope, id, {
    description: props.description,
    runtime: HANDLER_RUNTIME,
    architecture: Architecture.ARM_64,
    handler: 'index.handler',
    code: Code.fromAsset(bundleOf(props.handler)),
    environment: props.environment,
    timeout: props.timeout,
    memorySize: props.memory?.toMebibytes() ?? 512,
    ephemeralStorageSize: props.ephemeralStorage,
    tracing: Tracing.ACTIVE,
    loggingFormat: LoggingFormat.JSON,
    logGroup: new LogGroup(scope, `${id}Logs`, { retention: RetentionDays.THREE_MONTHS, removalPolicy: RemovalPolicy.DESTROY }),
  });
  made.node.addValidation({ validate: () => environmentProblems(made) });
  return made;
}

function environmentProblems(made: LambdaFunction): string[] {
  const { environment } = made.node.defaultChild as CfnFunction;
  const { variables = {} } = (Stack.of(made).resolve(environment) ?? {}) as { variables?: Record<string, unknown> };
  const texts = Object.entries(variables).map(([name, value]) => [name, textOf(value)] as const);
  const bytes = Buffer.byteLength(JSON.stringify(Object.fromEntries(texts)));
  const sizes = texts.map(([name, text]) => `${name} ${Buffer.byteLength(JSON.stringify(text))}`).join(', ');
  return bytes <= MOST_ENVIRONMENT_BYTES
    ? []
    : [
        `EnvironmentTooLarge: the environment variables have ${bytes} bytes as JSON, AWS Lambda takes ${MOST_ENVIRONMENT_BYTES} (${sizes}): shorten the texts that they are made of, or put them into a file that the code reads`,
      ];
}

/** A resolved text, as long as it will be at least or about. */
function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) {
    return String(value);
  }
  const [separator, parts] = ((value as Record<string, unknown>)['Fn::Join'] as [string, unknown[]] | undefined) ?? [];
  return parts === undefined ? UNKNOWN : parts.map(textOf).join(separator);
}

function bundleOf(handler: string): string {
  const root = packageRoot(__dirname);
  const bundle = join(root, 'assets', handler);
  if (!existsSync(join(bundle, 'index.js'))) {
    throw new Error(`MissingBundle: no bundle of the handler '${handler}' in ${join(root, 'assets')}; run 'npm run build:handlers'`);
  }
  return bundle;
}

/** The folder of our package.json: sources lie in lib/, compiled files in build/, both at several depths. @internal */
export function packageRoot(from: string): string {
  return existsSync(join(from, 'package.json')) ? from : packageRoot(join(from, '..'));
}
