import fc from 'fast-check';
import { RecordJudge } from '../../../runtime/stream/record-judge';
import { envelopeOf } from '../../../runtime/intake/envelope';
import { runs } from '../../support/property-runs';
import { reading, READINGS, RecordsWorld } from './world';

const lines = (...records: unknown[]) => records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record))).join('\n');
const PROVISIONED = 'ProvisionedThroughputExceededException';

describe('taking records by HTTP [D8]', () => {
  test('takes a single object, byte for byte', async () => {
    const world = new RecordsWorld();
    const body = '{ "sensor": "a",\n "at": "2026-03-01T10:00:00Z", "value": 1.50 }';
    expect(await world.post(body)).toMatchObject({
      status: 200,
      body: { records: 1, accepted: 1, quarantined: 0, notTaken: 0, results: [{ index: 0, status: 'accepted' }] },
    });
    expect(world.texts).toEqual([body]);
    expect(world.measured).toEqual({ RecordsTaken: 1, RecordsNotTaken: 0 });
  });

  test('takes an array and lines alike, each record as it was written', async () => {
    const texts = [
      '{"sensor":"a]\\"},{","at":"2026-03-01T10:00:00Z","value":1e0}',
      '{"sensor":"b", "at":"2026-03-01T10:00:00Z", "value":2}',
    ];
    for (const [type, body] of [
      ['application/json; charset=utf-8', `\n[ ${texts.join(' ,\n ')} ]\n`],
      ['application/x-ndjson', `${texts.join('\n')}\n\n  \n`],
      ['APPLICATION/X-NDJSON', texts.join('\n')],
    ]) {
      const world = new RecordsWorld();
      expect((await world.post(body, type)).body).toMatchObject({ records: 2, accepted: 2 });
      expect(world.texts).toEqual(texts);
    }
  });

  test('keeps numbers that a double cannot hold as they were sent', async () => {
    const world = new RecordsWorld();
    const text = '{"sensor":"a","at":"2026-03-01T10:00:00Z","value":1e400}';
    const { body } = await world.post(`[${text}]`);
    expect(body.results).toEqual([
      { index: 0, status: 'quarantined', rule: 'type', column: 'value', reason: expect.stringContaining('not a number') },
    ]);
    expect(world.texts).toEqual([text]);
  });

  test('says of a quarantined record the rule, the column and a reason without its value, and takes it all the same', async () => {
    const world = new RecordsWorld();
    const secret = 'Jane Doe';
    const { status, body } = await world.post(
      lines(
        reading('a', 1),
        reading('b', 1, 101),
        reading('c', 1, secret),
        { sensor: 'd' },
        { ...reading('e', 1), name: secret },
        '{"sensor":',
      ),
      'application/x-ndjson',
    );
    expect(status).toBe(200);
    expect([body.accepted, body.quarantined]).toEqual([1, 5]);
    expect(body.results.map(({ rule, column }) => [rule, column])).toEqual([
      [undefined, undefined],
      ['range', 'value'],
      ['type', 'value'],
      ['required', 'at'],
      ['unknown key', undefined],
      ['syntax', undefined],
    ]);
    expect(body.results.slice(1).every(({ reason }) => typeof reason === 'string' && reason.length > 0)).toBe(true);
    expect(JSON.stringify(body)).not.toContain(secret);
    expect(world.logged.join()).not.toContain(secret);
    expect(world.texts).toHaveLength(6);
  });

  test('judges what is no object as the intake does', async () => {
    const world = new RecordsWorld();
    const { body } = await world.post('[1, null, "x", [{}], {}]');
    expect(body.results.map(({ rule }) => rule)).toEqual(['syntax', 'syntax', 'syntax', 'syntax', 'required']);
    expect(world.texts).toEqual(['1', 'null', '"x"', '[{}]', '{}']);
    const judge = new RecordJudge(READINGS);
    world.texts.forEach((text, i) => {
      const { rule, column, reason } = body.results[i];
      expect(judge.judge(envelopeOf('x', new Date(), Buffer.from(text)))).toEqual({ refusal: { rule, column, reason } });
    });
  });

  const withNote = (note: string) => JSON.stringify({ ...reading('a', 1), note });
  test.each<[string, Buffer, string | null]>([
    ['Latin-1', Buffer.from(withNote('café'), 'latin1'), 'application/json'],
    ['Latin-1 that says so', Buffer.from(`[${withNote('café')}]`, 'latin1'), 'application/json; charset=iso-8859-1'],
    ['lines in Latin-1', Buffer.from(`${withNote('a')}\n${withNote('é')}\n`, 'latin1'), 'application/x-ndjson'],
    ['half of a surrogate pair', Buffer.from(withNote('x').replace('x', '\xed\xa0\x80'), 'latin1'), 'application/json'],
    ['UTF-16', Buffer.from(`\ufeff${withNote('é')}`, 'utf16le'), 'application/json'],
    ['a character that is cut', Buffer.from(withNote('é')).subarray(0, -3), 'application/json'],
    ['Latin-1 of no type', Buffer.from(withNote('café'), 'latin1'), null],
  ])('takes nothing of a body in %s, because characters would be others on the stream', async (_, bytes, type) => {
    const world = new RecordsWorld();
    const { status, body } = await world.post(bytes, type);
    expect([status, body.error]).toEqual([
      400,
      expect.stringMatching(/^the body (is not UTF-8: send it in UTF-8|has the character U\+FFFD, or)/),
    ]);
    expect([world.kinesis.calls, world.measured]).toEqual([[], {}]);
  });

  test('takes each character of UTF-8 as it was written, the replacement character among them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ufffd', 'é\u2028', '\ufeff', '😀')), async (note) => {
        for (const [type, body] of [
          ['application/json; charset=utf-8', `[${withNote(note)}]`],
          ['application/x-ndjson', withNote(note)],
        ]) {
          const world = new RecordsWorld();
          expect((await world.post(body, type)).status).toBe(200);
          expect(world.texts).toEqual([withNote(note)]);
        }
      }),
      { numRuns: runs(200) },
    );
  });

  test('takes a body that does not say its type as JSON', async () => {
    const world = new RecordsWorld();
    expect((await world.post([reading('a', 1), { ...reading('b', 1), note: 'é' }], null)).body).toMatchObject({ accepted: 2 });
  });

  const DEEP = '['.repeat(300_000) + ']'.repeat(300_000);
  test.each([
    ['objects without a text in its key', '{"sensor":{"toString":0,"valueOf":0},"at":"2026-03-01T10:00:00Z","value":1}', 'sensor'],
    ['an array in its key', '{"sensor":["a"],"at":"2026-03-01T10:00:00Z","value":1}', 'sensor'],
    ['300,000 brackets in its key', `{"sensor":${DEEP},"at":"2026-03-01T10:00:00Z","value":1}`, 'sensor'],
    ['300,000 brackets beside its key', `{"sensor":"a","at":"2026-03-01T10:01:00Z","value":${DEEP}}`, 'value'],
    ['300,000 objects in its key', `{"sensor":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)},"at":"","value":1}`, 'sensor'],
    ['nothing but 300,000 brackets', DEEP, undefined],
  ])('quarantines one record that has %s, and takes the others', async (_, text, where) => {
    const world = new RecordsWorld();
    const [before, after] = [reading('a', 0), reading('a', 2)].map((record) => JSON.stringify(record));
    const { status, body } = await world.post(`[${before},${text},${after}]`);
    expect([status, body.accepted, body.quarantined]).toEqual([200, 2, 1]);
    expect(body.results[1]).toMatchObject(where === undefined ? { rule: 'syntax' } : { rule: 'type', column: where });
    expect([...world.texts].sort()).toEqual([before, text, after].sort());
    expect(world.measured).toEqual({ RecordsTaken: 3, RecordsNotTaken: 0 });
  });

  test('answers neither 500 nor less than all records, whatever JSON they are', async () => {
    const json = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.constantFrom<unknown>({ toString: 0, valueOf: 0 }, { toString: null }, { toJSON: 1 }, [], [[]], {}, [null]),
    );
    const some = fc.record({ sensor: json, at: json, value: json, note: json, toString: json }, { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(some, json), { minLength: 1, maxLength: 6 }), async (records) => {
        const world = new RecordsWorld();
        const { status, body } = await world.post(records);
        expect([status, body.accepted + body.quarantined]).toEqual([200, records.length]);
        expect([...world.texts].sort()).toEqual(records.map((one) => JSON.stringify(one)).sort());
      }),
      { numRuns: runs(300) },
    );
  });

  test.each<[string, string, string | undefined, number, RegExp]>([
    ['a body that is cut', '[{"sensor":"a"}', undefined, 400, /^the body is not JSON: send application\/json .* or application\/x-ndjson/],
    ['a text', '"a"', undefined, 400, /^the body is a JSON string: send/],
    ['null', 'null', undefined, 400, /^the body is a JSON null: send/],
    ['nothing', '', undefined, 400, /^the body holds no record: send .*, 1 to 500 records$/],
    ['an empty array', ' [ ] ', undefined, 400, /^the body holds no record/],
    ['blank lines', '\n \n', 'application/x-ndjson', 400, /^the body holds no record/],
    ['a table', 'sensor,at,value', 'text/csv', 415, /^the content type is 'text\/csv': send/],
    ['501 records', `[${Array(501).fill('{}').join()}]`, undefined, 413, /^the body holds 501 records, the limit is 500: send fewer/],
    ['501 lines', Array(501).fill('{}').join('\n'), 'application/x-ndjson', 413, /^the body holds 501 records/],
    ['1,000,001 bytes', `"${'ü'.repeat(499_999)}x"`, undefined, 413, /^the body has 1000001 bytes, the limit is 1000000: send fewer/],
  ])('takes nothing of %s and says what is allowed', async (_, body, type, status, message) => {
    const world = new RecordsWorld();
    const answer = await world.post(body, type);
    expect([answer.status, answer.body.error]).toEqual([status, expect.stringMatching(message)]);
    expect(world.kinesis.calls).toEqual([]);
    expect(answer.headers['x-correlation-id']).toBe('request-1');
  });

  test('takes 500 records in one call, and a record of 1,000,000 bytes', async () => {
    const world = new RecordsWorld();
    const many = Array.from({ length: 500 }, (_, i) => reading(`s${i}`, 0));
    expect((await world.post(many)).body.accepted).toBe(500);
    expect(world.kinesis.calls.map(({ length }) => length)).toEqual([500]);
    const start = '{"sensor":"a","at":"2026-03-01T10:00:00Z","value":1,"note":"';
    const long = `${start}${'x'.repeat(1_000_000 - start.length - 2)}"}`;
    expect((await world.post(long)).body).toMatchObject({ accepted: 1 });
  });

  test('has one partition key for one primary key, however it is spelt, and for the same bad record', async () => {
    const world = new RecordsWorld();
    const sent = [
      '{"sensor":"a","at":"2026-03-01T10:00:00Z","value":1}',
      '{"at":"2026-03-01T11:00:00.000+01:00","value":2,"sensor":"a"}',
      '{"sensor":"a","at":"2026-03-01T10:00:00Z","value":"hot"}',
      '{"sensor":"b","at":"2026-03-01T10:00:00Z","value":1}',
      '{"sensor":"a","at":"yesterday","value":1}',
    ];
    await world.post(lines(...sent, sent[4]), 'application/x-ndjson');
    const keys = new Map(world.kinesis.taken.map(({ key, text }) => [text, key]));
    const [utc, zone, hot, b, bad] = sent.map((text) => keys.get(text));
    expect([zone, hot]).toEqual([utc, utc]);
    expect(new Set([utc, b, bad]).size).toBe(3);
    expect(world.texts.filter((text) => text === sent[4])).toHaveLength(2);
  });

  test('orders by the columns that it is told', async () => {
    const world = new RecordsWorld({ orderedBy: ['sensor'] });
    const sent = [reading('a', 3), reading('b', 1), reading('a', 1), reading('a', 2)];
    await world.post(sent);
    expect(world.kinesis.calls.map((call) => call.map(({ text }) => JSON.parse(text)))).toEqual([[sent[0], sent[1]], [sent[2]], [sent[3]]]);
  });

  test('has another key for each record where nothing orders them', async () => {
    const world = new RecordsWorld({ orderedBy: [], contract: () => Promise.resolve({ ...READINGS, primaryKey: [] }) });
    await world.post([reading('a', 1, 1), reading('a', 1, 2), reading('b', 1)]);
    expect(world.kinesis.calls).toHaveLength(1);
    expect(new Set(world.kinesis.taken.map(({ key }) => key)).size).toBe(3);
  });

  test('puts again what the stream refused, and nothing else', async () => {
    const world = new RecordsWorld();
    world.kinesis.plan = (call) => (call < 2 ? { refuse: (_, at) => (at === 0 ? PROVISIONED : undefined) } : {});
    const { status, body } = await world.post([reading('a', 1), reading('b', 1), reading('c', 1)]);
    expect([status, body.accepted]).toEqual([200, 3]);
    expect(world.kinesis.calls.map(({ length }) => length)).toEqual([3, 1, 1]);
    expect(world.slept).toEqual([25, 50]);
  });

  test('answers 429 when the stream had no room until the time was over, and says which to send again', async () => {
    const world = new RecordsWorld();
    world.kinesis.plan = () => ({ refuse: ({ text }) => (text.includes('"b"') ? PROVISIONED : undefined) });
    const began = world.clock;
    const { status, headers, body } = await world.post([reading('a', 1), reading('b', 1), reading('c', 1, 200), reading('b', 1, 2)]);
    expect(status).toBe(429);
    expect(headers['retry-after']).toBe('1');
    expect(body).toMatchObject({ resend: [1, 3], records: 4, accepted: 1, quarantined: 1, notTaken: 2 });
    expect(body.error).toBe("the stream had no room for 2 of 4 records: send those of 'resend' again, in their order, and no others");
    expect(body.results.map(({ status: what }) => what)).toEqual(['accepted', 'not-taken', 'quarantined', 'not-taken']);
    expect(world.measured).toEqual({ RecordsTaken: 2, RecordsNotTaken: 2 });
    expect(world.clock - began).toBeGreaterThanOrEqual(15_000);
    expect(world.clock - began).toBeLessThan(16_000);
  });

  test.each([
    ['a record fails otherwise', { refuse: () => 'InternalFailure' }],
    ['the stream cannot be reached', { error: { when: 'before', name: 'TimeoutError' } }],
    ['the service fails', { error: { when: 'before', name: 'InternalFailureException', fault: 'server' } }],
  ] as const)('answers 503 when %s until the time was over', async (_, plan) => {
    const world = new RecordsWorld();
    world.kinesis.plan = () => plan;
    const { status, body } = await world.post(reading('a', 1));
    expect([status, body.resend]).toEqual([503, [0]]);
    expect(world.kinesis.calls.length).toBeGreaterThan(10);
    expect(world.measured).toEqual({ RecordsTaken: 0, RecordsNotTaken: 1 });
  });

  test.each([PROVISIONED, 'KMSThrottlingException', 'LimitExceededException'])('tries again after %s of a whole call', async (name) => {
    const world = new RecordsWorld();
    world.kinesis.plan = (call) => (call === 0 ? { error: { when: 'before', name, fault: 'client' } } : {});
    expect((await world.post(reading('a', 1))).status).toBe(200);
    expect(world.kinesis.calls).toHaveLength(2);
  });

  test('gives up at once, and counts a fault, when trying again is of no use; what was taken before is said', async () => {
    const world = new RecordsWorld();
    world.kinesis.plan = (call) => (call === 1 ? { error: { when: 'before', name: 'AccessDeniedException', fault: 'client' } } : {});
    const { status, body } = await world.post([reading('a', 1, 1), reading('b', 1), reading('a', 1, 2), reading('a', 1, 3)]);
    expect([status, body.resend]).toEqual([503, [2, 3]]);
    expect(world.kinesis.calls).toHaveLength(2);
    expect(world.measured).toMatchObject({ ApiFault: 1, RecordsNotTaken: 2, RecordsTaken: 2 });
    expect(world.logged.join()).toContain('AccessDenied');
  });

  test('answers 500 and takes nothing when the contract cannot be read, and recovers', async () => {
    let broken = true;
    const contract = () => (broken ? Promise.reject(new Error('no such bucket')) : Promise.resolve(READINGS));
    const world = new RecordsWorld({ contract });
    expect((await world.post(reading('a', 1))).status).toBe(500);
    expect([world.kinesis.calls, world.measured]).toEqual([[], { ApiFault: 1 }]);
    broken = false;
    expect((await world.post(reading('a', 1))).status).toBe(200);
  });
});
