import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { makeHandler, RecordResult, RecordsApiDependencies, RecordsRequest } from '../../../runtime/records-api/handler';
import { FakeKinesis } from '../../support/fake-kinesis';
import { column } from '../intake/contracts';

/** Readings of sensors; the key has two columns. */
export const READINGS: CompiledContract = {
  dataset: 'readings',
  version: '1.0.0',
  format: 'csv',
  columns: [
    column('sensor', 'string', { required: true }),
    column('at', 'timestamp', { required: true }),
    column('value', 'number', { required: true, minimum: 0, maximum: 100 }),
    column('note', 'string'),
  ],
  nullTokens: [],
  primaryKey: ['sensor', 'at'],
};

export interface Answered {
  status: number;
  headers: Record<string, unknown>;
  body: {
    error?: string;
    resend?: number[];
    records: number;
    accepted: number;
    quarantined: number;
    notTaken: number;
    results: RecordResult[];
  };
}

const textOf = (body: string | object): string => (typeof body === 'string' ? body : JSON.stringify(body));

/** The function with a stream, a clock that only waiting and calls move, and what it measured and logged. */
export class RecordsWorld {
  readonly kinesis = new FakeKinesis();
  readonly measured: Record<string, number> = {};
  readonly logged: string[] = [];
  readonly slept: number[] = [];
  clock = Date.parse('2026-03-01T10:00:00Z');
  private readonly handle: ReturnType<typeof makeHandler>;

  constructor(over: Partial<RecordsApiDependencies> = {}) {
    const log = (message: string, fields: object) => this.logged.push(`${message} ${JSON.stringify(fields)}`);
    this.handle = makeHandler({
      dataset: 'readings',
      stream: 'readings-stream',
      orderedBy: ['sensor', 'at'],
      contract: () => Promise.resolve(READINGS),
      kinesis: this.kinesis.client,
      now: () => this.clock,
      sleep: (milliseconds) => {
        this.slept.push(milliseconds);
        this.clock += milliseconds;
        return Promise.resolve();
      },
      random: () => 0.5,
      measure: (name, value) => (this.measured[name] = (this.measured[name] ?? 0) + value),
      logger: { info: log, warn: log, error: log },
      ...over,
    });
  }

  async post(body: string | object, type: string | undefined = 'application/json'): Promise<Answered> {
    const headers = type === undefined ? {} : { 'Content-Type': type };
    const { status, headers: answered, body: text } = await this.request('POST', 'records', { headers, body: textOf(body) });
    return { status, headers: answered, body: text as Answered['body'] };
  }

  /** `query`: one value of a name, or all of them. */
  newest(query: Record<string, string | string[]> | null) {
    const values = query && Object.fromEntries(Object.entries(query).map(([name, value]) => [name, [value].flat()]));
    return this.request('GET', 'newest', { multiValueQueryStringParameters: values });
  }

  private async request(httpMethod: string, route: string, over: Partial<RecordsRequest>) {
    const answer = await this.handle({
      ...{ httpMethod, resource: `/v1/datasets/readings/${route}`, requestContext: { requestId: 'request-1' } },
      ...{ pathParameters: null, multiValueQueryStringParameters: null, isBase64Encoded: false, headers: {}, body: null, ...over },
    });
    return { status: answer.statusCode, headers: answer.headers ?? {}, body: JSON.parse(answer.body) as unknown };
  }

  get texts(): string[] {
    return this.kinesis.taken.map(({ text }) => text);
  }
}

export const reading = (sensor: string, minute: number, value: unknown = 1) => ({
  sensor,
  at: `2026-03-01T10:${String(minute).padStart(2, '0')}:00Z`,
  value,
});
