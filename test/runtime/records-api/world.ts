import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { RECORDS_MEDIA } from '../../../lib/constructs/data/records-api/contract';
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

const bytesOf = (body: string | object): Buffer =>
  Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));

/** A body as Amazon API Gateway hands it over: the bytes of a media type that the API names, and text of everything else. */
function handedOver(bytes: Buffer, type: string | undefined): Pick<RecordsRequest, 'body' | 'isBase64Encoded'> {
  const isBase64Encoded = (Object.values(RECORDS_MEDIA) as (string | undefined)[]).includes(type?.split(';')[0].trim().toLowerCase());
  return { isBase64Encoded, body: bytes.toString(isBase64Encoded ? 'base64' : 'utf8') };
}

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

  /** `body`: its bytes, its text, or what is sent as JSON. `type`: null for a request that does not say it. */
  async post(body: string | object, type: string | null = 'application/json'): Promise<Answered> {
    const headers = type === null ? {} : { 'Content-Type': type };
    const over = { headers, ...handedOver(bytesOf(body), type ?? undefined) };
    const { status, headers: answered, body: text } = await this.request('POST', 'records', over);
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
