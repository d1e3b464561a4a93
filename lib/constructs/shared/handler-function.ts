import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { Architecture, Code, Function as LambdaFunction, LoggingFormat, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
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

/** A Lambda function from one of our prebuilt bundles, with its own log group, JSON logs and tracing. @internal */
export function handlerFunction(scope: Construct, id: string, props: HandlerFunctionProps): LambdaFunction {
  return new LambdaFunction(scope, id, {
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
