/** Time for the load generator: the machine's, or a test's. Milliseconds. */
export interface Clock {
  /** Monotonic. */
  now(): number;
  /** Resolves at that time. When it is past already: after what came in meanwhile was dealt with. */
  until(time: number): Promise<void>;
}

export const realClock: Clock = {
  now: () => performance.now(),
  until: (time) =>
    new Promise((resolve) => {
      const wait = time - performance.now();
      if (wait > 0) {
        setTimeout(resolve, wait);
      } else {
        setImmediate(resolve);
      }
    }),
};
