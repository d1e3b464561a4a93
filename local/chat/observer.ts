import { DescribeEndpointCommand, DescribeInferenceComponentCommand } from '@aws-sdk/client-sagemaker';
import { Clients } from '../start/clients';
import type { PlatformClock } from './replay';

/** What the APIs said at one time. */
export interface Sample {
  /** Seconds of the platform clock since the beginning of the run. */
  readonly at: number;
  readonly copies: number;
  readonly desiredCopies: number;
  readonly instances: number;
}

const EVERY_SECONDS = 10;

/** Asks SageMaker every ten platform seconds how many copies and instances there are. */
export class Observer {
  public readonly samples: Sample[] = [];
  private readonly stopped = new AbortController();
  private readonly done: Promise<void>;

  constructor(
    private readonly clients: Clients,
    private readonly target: { readonly endpoint: string; readonly component: string },
    private readonly clock: PlatformClock,
  ) {
    this.done = this.watch();
  }

  public get last(): Sample | undefined {
    return this.samples.at(-1);
  }

  /** Asks a last time and stops. Errors: what went wrong while it watched. */
  public async stop(): Promise<void> {
    this.stopped.abort();
    await this.done;
    await this.ask();
  }

  private async watch(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      const at = this.clock.now();
      await this.ask();
      await this.clock.until(at + EVERY_SECONDS);
    }
  }

  private async ask(): Promise<void> {
    const at = this.clock.now();
    const [component, endpoint] = await Promise.all([
      this.clients.sageMaker.send(new DescribeInferenceComponentCommand({ InferenceComponentName: this.target.component })),
      this.clients.sageMaker.send(new DescribeEndpointCommand({ EndpointName: this.target.endpoint })),
    ]);
    this.samples.push({
      at,
      copies: component.RuntimeConfig?.CurrentCopyCount ?? 0,
      desiredCopies: component.RuntimeConfig?.DesiredCopyCount ?? 0,
      instances: endpoint.ProductionVariants?.[0]?.CurrentInstanceCount ?? 0,
    });
  }
}
