import { InvokeEndpointWithResponseStreamCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { awaited, chatRequest, Conversation } from '../../examples/chat/traffic';
import { CREDENTIALS, REGION } from '../start/clients';

/** How one request went; times are seconds of the platform clock since the beginning of the run. */
export interface Answer {
  /** When it was to be sent: a wait that the generator caused counts as latency, and no slow answer hides the wait of those behind it. */
  readonly sent: number;
  /** How late it was sent. */
  readonly late: number;
  /** When the first tokens came; undefined when none did. */
  readonly first?: number;
  readonly ended: number;
  /** Why there is no whole answer; undefined when there is one. */
  readonly failure?: string;
}

/** The platform clock as a client counts it: seconds since the beginning of the run. */
export class PlatformClock {
  private readonly start = performance.now();

  /** @param factor platform seconds in a real one */
  constructor(public readonly factor: number) {}

  public now(): number {
    return ((performance.now() - this.start) * this.factor) / 1000;
  }

  /** Resolves at that time, or soon when it is past. */
  public until(seconds: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, Math.max(0, ((seconds - this.now()) * 1000) / this.factor)));
  }
}

/** Sends chat completions to one component and reads the tokens as they come. */
export class ChatClient {
  private readonly client: SageMakerRuntimeClient;

  constructor(
    url: string,
    private readonly target: { readonly endpoint: string; readonly component: string },
    private readonly clock: PlatformClock,
  ) {
    // Without a limit on sockets and without retries: a load that waits for itself would hide what it causes.
    const requestHandler = { httpAgent: { maxSockets: Infinity, keepAlive: true } };
    this.client = new SageMakerRuntimeClient({ endpoint: url, region: REGION, credentials: CREDENTIALS, maxAttempts: 1, requestHandler });
  }

  /** Never rejects. `sent`: when it was to be sent. */
  public async ask(request: Conversation, sent = this.clock.now()): Promise<Answer> {
    const late = Math.max(0, this.clock.now() - sent);
    let first: number | undefined;
    try {
      const { Body } = await this.client.send(
        new InvokeEndpointWithResponseStreamCommand({
          EndpointName: this.target.endpoint,
          InferenceComponentName: this.target.component,
          ContentType: 'application/json',
          Body: JSON.stringify(chatRequest(request, awaited(this.clock.now()))),
        }),
      );
      let last = '';
      for await (const event of Body ?? []) {
        first ??= this.clock.now();
        last = event.PayloadPart === undefined ? last : Buffer.from(event.PayloadPart.Bytes ?? []).toString();
      }
      const whole = last.endsWith('data: [DONE]\n\n');
      return { sent, late, first, ended: this.clock.now(), failure: whole ? undefined : 'answer broke off' };
    } catch (error) {
      return { sent, late, first, ended: this.clock.now(), failure: reasonOf(error as Error) };
    }
  }
}

/** What a failure is counted under. */
function reasonOf({ name, message }: Error): string {
  const known = { 'no copy': /no capacity/, 'queue full': /queue is full/, 'time limit': /in time|allotted time/ };
  return Object.entries(known).find(([, text]) => text.test(message))?.[0] ?? name;
}

/** Sends each request at its recorded time, whatever is still open, and waits for the last answer. */
export async function replay(requests: Conversation[], client: ChatClient, clock: PlatformClock, signal: AbortSignal): Promise<Answer[]> {
  const [start, open] = [clock.now(), [] as Promise<Answer>[]];
  for (const request of requests) {
    const due = start + request.at;
    await clock.until(due);
    signal.throwIfAborted();
    open.push(client.ask(request, due));
  }
  return Promise.all(open);
}
