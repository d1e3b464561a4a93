const WINDOW_SECONDS = 300;

/** The highest rate of requests in five minutes that begin at a multiple of five. */
export class PeakRate {
  private most = 0;
  private window = -1;
  private count = 0;

  public arrived(at: number): void {
    const window = Math.floor(at / WINDOW_SECONDS);
    this.count = window === this.window ? this.count + 1 : 1;
    this.window = window;
    this.most = Math.max(this.most, this.count);
  }

  /** Requests a second. */
  public get perSecond(): number {
    return this.most / WINDOW_SECONDS;
  }
}
