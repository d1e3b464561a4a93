import { readFileSync } from 'node:fs';
import { NextEvents } from '../simulator/heaps';
import { RandomStream, STREAMS } from '../simulator/random';
import { Lengths } from './generated';
import { RequestSource } from './source';

/** The first line of a file of rates in the compact form of ServeGen's traces (capacity/traces/README.md). */
export const SERVEGEN_HEADER = 'client,t_s,rate_rps,cv,family,shape,scale';

const WINDOW_SECONDS = 600;

interface Window {
  readonly client: number;
  readonly from: number;
  readonly rate: number;
  readonly family: string;
  readonly shape: number;
  /** Mean of the family with this shape and scale 1. */
  readonly mean: number;
}

/** What the file says: the windows of each client in the order of time. */
export interface RateFile {
  readonly clients: readonly (readonly Window[])[];
  /** Windows of the whole file, without a gap, seconds. */
  readonly seconds: number;
  /** Requests a second over the whole time. */
  readonly meanRate: number;
}

/** Reads a file of rates. Errors `InvalidTrace` with the line: another header, a line that is not like those of the format, no line at all. */
export function readRateFile(path: string): RateFile {
  const [header, ...lines] = readFileSync(path, 'utf8').split(/\r?\n/);
  if (header !== SERVEGEN_HEADER) {
    throw new Error(`InvalidTrace: line 1: the first line must be '${SERVEGEN_HEADER}', got '${header.slice(0, 60)}' [in ${path}]`);
  }
  const clients = new Map<number, Window[]>();
  lines.forEach((line, index) => {
    if (line !== '') {
      const window = windowOf(line, index + 2, path);
      const windows = clients.get(window.client) ?? [];
      clients.set(window.client, windows);
      if (windows.length > 0 && windows[windows.length - 1].from >= window.from) {
        throw new Error(`InvalidTrace: line ${index + 2}: the window is not after the one before of client ${window.client} [in ${path}]`);
      }
      windows.push(window);
    }
  });
  if (clients.size === 0) {
    throw new Error(`InvalidTrace: the trace has no request [in ${path}]`);
  }
  const windows = [...clients.values()].flat();
  const seconds = Math.max(...windows.map(({ from }) => from)) + WINDOW_SECONDS;
  return {
    clients: [...clients.values()],
    seconds,
    meanRate: (windows.reduce((sum, { rate }) => sum + rate, 0) * WINDOW_SECONDS) / seconds,
  };
}

function windowOf(line: string, number: number, path: string): Window {
  const [client, from, rate, , family, shape] = line.split(',');
  const mean = family === 'G' ? +shape : meanWeibull(+shape);
  const window = { client: +client, from: +from, rate: +rate, family, shape: +shape, mean };
  const wrong =
    !Number.isInteger(window.client) ||
    !(window.from >= 0 && window.from % WINDOW_SECONDS === 0) ||
    !(window.rate > 0 && window.shape > 0 && Number.isFinite(window.rate + window.shape)) ||
    !['G', 'W'].includes(family);
  if (wrong) {
    throw new Error(
      `InvalidTrace: line ${number}: '${line.slice(0, 60)}' is not like '0,2400,0.085,6.693,G,0.02232,73.02': windows of ${WINDOW_SECONDS} s, a rate ` +
        `and a shape above 0, family G or W [in ${path}]`,
    );
  }
  return window;
}

/**
 * Arrivals of all clients of a file of rates. In a window the gaps of a client have its family and shape, scaled to the rate. A window begins in the
 * middle of a gap, as for an onlooker who comes at any time: with a whole gap from its begin, windows with uneven gaps would have more
 * requests than their rate says.
 */
export class ServeGenSource implements RequestSource {
  public at = 0;
  public prompt = 0;
  public output = 0;
  private readonly random: RandomStream;
  private readonly upcoming = new NextEvents();
  /** Of each client, its window: those of the second round follow those of the first. */
  private readonly places: Int32Array;
  private readonly factor: number;

  /**
   * @param meanRate requests a second over the whole time
   * @param rounds how often the file is gone through
   */
  public constructor(
    private readonly file: RateFile,
    meanRate: number,
    private readonly lengths: Lengths,
    seed: number,
    private readonly rounds = 1,
  ) {
    this.random = new RandomStream(seed, STREAMS.arrivals);
    this.factor = meanRate / file.meanRate;
    this.places = new Int32Array(file.clients.length);
    file.clients.forEach((_, client) => this.enter(client));
  }

  public next(): boolean {
    const { time } = this.upcoming;
    if (time === Infinity) {
      return false;
    }
    const client = this.upcoming.server;
    this.at = time;
    this.lengths.draw();
    this.prompt = this.lengths.prompt;
    this.output = this.lengths.output;
    const window = this.window(client);
    this.goOn(client, time + this.gap(window) / (window.rate * this.factor));
    return true;
  }

  /** The next arrival of a client, or its first one in a later window. */
  private goOn(client: number, at: number): void {
    if (at < this.begin(client) + WINDOW_SECONDS) {
      this.upcoming.set(client, at);
    } else {
      this.places[client]++;
      this.enter(client);
    }
  }

  private enter(client: number): void {
    const windows = this.file.clients[client];
    for (; this.places[client] < windows.length * this.rounds; this.places[client]++) {
      const window = this.window(client);
      const at = this.begin(client) + this.rest(window) / (window.rate * this.factor);
      if (at < this.begin(client) + WINDOW_SECONDS) {
        this.upcoming.set(client, at);
        return;
      }
    }
    this.upcoming.set(client, Infinity);
  }

  private window(client: number): Window {
    const windows = this.file.clients[client];
    return windows[this.places[client] % windows.length];
  }

  private begin(client: number): number {
    const windows = this.file.clients[client];
    return this.window(client).from + Math.floor(this.places[client] / windows.length) * this.file.seconds;
  }

  /** A gap, with mean 1. */
  private gap({ family, shape, mean }: Window): number {
    return (family === 'G' ? this.random.gamma(shape) : this.random.weibull(shape)) / mean;
  }

  /** What is left of the gap that is met at a random time: a random share of a gap drawn in proportion to its length. */
  private rest({ family, shape, mean }: Window): number {
    const met = family === 'G' ? this.random.gamma(shape + 1) : Math.pow(this.random.gamma(1 + 1 / shape), 1 / shape);
    return (this.random.uniform() * met) / mean;
  }
}

/** Mean of a Weibull with scale 1: Gamma(1 + 1/shape). */
function meanWeibull(shape: number): number {
  return Math.exp(logGamma(1 + 1 / shape));
}

/** Logarithm of the gamma function, by Stirling's series from 10 on. */
function logGamma(x: number): number {
  let [shift, y] = [0, x];
  for (; y < 10; y++) {
    shift -= Math.log(y);
  }
  const inverse = 1 / (y * y);
  return shift + (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + (1 / 12 - inverse * (1 / 360 - inverse / 1260)) / y;
}
