import { InvokeEndpointCommand, SageMakerRuntimeClient, SageMakerRuntimeClientConfig } from '@aws-sdk/client-sagemaker-runtime';
import type { Clock } from './clock';
import type { Send } from './open-loop';
import type { MeasureOptions } from './options';
import { openBodies, prioritized, priorityAt } from './priority';
import { tokensOf } from './usage';

/** An invocation takes at most 60 s (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html). */
const TIMEOUT_MS = 61_000;
const WARM_UP_REQUESTS = 20;
const WARM_UP_MS = 20_000;
const FEWEST_WARM_UP = 3;

/**
 * A client that sends at once and once: the SDK's own has 50 sockets, behind which further requests wait unseen
 * (https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/node-configuring-maxsockets.html), and repeats what failed.
 */
export function loadClient(config: SageMakerRuntimeClientConfig): SageMakerRuntimeClient {
  const agent = { maxSockets: Infinity, keepAlive: true };
  return new SageMakerRuntimeClient({
    ...config,
    maxAttempts: 1,
    requestHandler: { httpAgent: agent, httpsAgent: agent, requestTimeout: TIMEOUT_MS, throwOnRequestTimeout: true },
  });
}

/**
 * Sends the bodies in turn, to an endpoint or to a component of it; with a window each states the priority of the moment at which it is sent. `now`: unix
 * time, milliseconds.
 */
export function senderOf(client: Pick<SageMakerRuntimeClient, 'send'>, requests: Requests, now = Date.now): Send {
  const { endpoint, component, contentType } = requests;
  const bodyOf = bodiesOf(requests, now);
  const common = { EndpointName: endpoint, InferenceComponentName: component, ContentType: contentType };
  return async (i) => {
    try {
      const { Body } = await client.send(new InvokeEndpointCommand({ ...common, Body: bodyOf(i) }));
      return tokensOf(Body);
    } catch (error) {
      return failureOf(error as SendError);
    }
  };
}

type Requests = Pick<MeasureOptions, 'endpoint' | 'component' | 'contentType' | 'bodies' | 'priorityWindowSeconds'>;

/** The body of request `i`, asked for when it is sent. */
function bodiesOf({ bodies, priorityWindowSeconds: window }: Requests, now: () => number): (i: number) => Uint8Array {
  if (window === undefined) {
    return (i) => bodies[i % bodies.length];
  }
  const open = openBodies(bodies);
  return (i) => prioritized(open[i % open.length], priorityAt(now() / 1000, window));
}

type SendError = Error & { code?: string; OriginalStatusCode?: number; $metadata?: { httpStatusCode?: number } };

/** What failures are counted under: `ModelError 500`, `ThrottlingException 429`, `ECONNRESET`. */
function failureOf({ name, code, OriginalStatusCode, $metadata }: SendError): string {
  const status = OriginalStatusCode ?? $metadata?.httpStatusCode;
  return status === undefined ? (code ?? name) : `${name} ${status}`;
}

/** Requests one after the other, uncounted: connections, caches and compilers get ready. Answers the median latency, milliseconds. Errors: `WarmUpFailed`. */
export async function warmUp(send: Send, clock: Clock): Promise<number> {
  const start = clock.now();
  const latencies: number[] = [];
  const failures: string[] = [];
  for (let i = 0; i < WARM_UP_REQUESTS && (i < FEWEST_WARM_UP || clock.now() - start < WARM_UP_MS); i++) {
    const sent = clock.now();
    const answer = await send(i);
    if (typeof answer === 'string') {
      failures.push(answer);
    } else {
      latencies.push(clock.now() - sent);
    }
  }
  if (failures.length > 0) {
    const of = `${failures.length} of ${failures.length + latencies.length} requests failed, sent one after the other, the first with ${failures[0]}`;
    throw new Error(`WarmUpFailed: ${of}: check --request and --content-type, and that the endpoint is well`);
  }
  return latencies.sort((a, b) => a - b)[Math.floor(latencies.length / 2)];
}
