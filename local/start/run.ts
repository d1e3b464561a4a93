import { BlueprintConfig } from '../../lib/config/schema';
import type { Account } from '../account';
import type { Clients } from './clients';
import { apiClient } from './clients';
import type { Figures } from './figures';
import type { StartOptions } from './options';

/** What the steps of one run share. */
export interface Run {
  readonly options: StartOptions;
  readonly config: BlueprintConfig;
  /** `<workload>-<stage>`, which starts every physical name. */
  readonly prefix: string;
  readonly account: Account;
  readonly clients: Clients;
  readonly outputs: Record<string, string>;
  readonly api: ReturnType<typeof apiClient>;
  readonly figures: Figures;
  readonly signal: AbortSignal;
}

/** One step: says what it does while it works. Steps throw with a message that says why. */
export interface Step {
  readonly title: string;
  run(say: (text: string) => void): Promise<void>;
}

/** Asks until `probe` has an answer. Errors: no answer in `seconds`, with what was there last; an abort. */
export async function until<T>(
  what: string,
  seconds: number,
  signal: AbortSignal,
  probe: () => Promise<T | undefined>,
  last: () => string = () => '',
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    signal.throwIfAborted();
    const answer = await probe();
    if (answer !== undefined) {
      return answer;
    }
    if (Date.now() > deadline) {
      throw new Error(`StepTimedOut: ${what} did not come in ${seconds} s${last() === '' ? '' : `; last seen: ${last()}`}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
