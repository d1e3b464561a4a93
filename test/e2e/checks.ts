/** Counts what was asserted, and says it line by line. */
export class Checks {
  public passed = 0;
  public failed = 0;

  /** One assertion. `why` is shown when it does not hold. */
  public that(what: string, holds: boolean, why: () => string = () => ''): void {
    this.passed += holds ? 1 : 0;
    this.failed += holds ? 0 : 1;
    console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}`);
    if (!holds && why() !== '') {
      console.log(why().replace(/^/gm, '     '));
    }
  }

  public same(what: string, got: unknown, wanted: unknown): void {
    const [found, expected] = [JSON.stringify(got), JSON.stringify(wanted)];
    this.that(what, found === expected, () => `got ${found}, wanted ${expected}`);
  }

  /** A part of the test: when it cannot be carried out, that is one failure, and the next part goes on. */
  public async part(title: string, run: () => Promise<void>): Promise<void> {
    const start = Date.now();
    try {
      await run();
    } catch (error) {
      this.that(`${title}: it could be carried out`, false, () => (error as Error).message);
    }
    console.log(`     (${title}: ${((Date.now() - start) / 1000).toFixed(0)} s)`);
  }

  /** Runs a whole test and ends the process with what it found; an error outside of its parts is one failure. */
  public conclude(run: () => Promise<void>, clean: () => void = () => undefined): void {
    run()
      .catch((error: Error) => this.that('the test could be carried out', false, () => error.message))
      .finally(() => {
        clean();
        console.log(`${this.passed} passed, ${this.failed} failed`);
        process.exitCode = this.failed === 0 ? 0 : 1;
      });
  }
}
