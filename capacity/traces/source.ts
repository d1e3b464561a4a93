/** Requests in the order of their arrival, one at a time, so that the memory does not grow with their number. */
export interface RequestSource {
  /** Moves to the next request; false when there is none. Errors: a trace that is not in order or not well formed. */
  next(): boolean;
  /** When it arrives, seconds from the begin of the trace. */
  readonly at: number;
  /** Prompt tokens; 0 for a classical model. */
  readonly prompt: number;
  /** Tokens to generate; for a classical model the service time, seconds. */
  readonly output: number;
}
