import { MAXIMUM_ANSWER_BYTES } from '../../../lib/constructs/integration/contract';
import { HOUR, MODEL, requestBody, setting, START } from '../prediction-books/setting';

const failing = (error: object) => ({ invoke: () => Promise.reject(Object.assign(new Error('it broke'), error)) });
const answering = (body: string) => ({ invoke: () => Promise.resolve({ body, variant: 'AllTraffic' }) });
const errorOf = ({ body }: { body: string }) => JSON.parse(body).error as string;

describe('an inference request [I2]', () => {
  test('reaches the endpoint of its model with the body as it came, the prediction id and the correlation id [O6]', async () => {
    const s = setting();
    const body = `{ "inputs": [ {"name":"risk","datatype":"FP64","shape":[1],"data":[0.70]} ] }`;
    const answer = await s.infer(body);
    expect(s.calls).toEqual([{ endpoint: 'flights-dev-delay', body, predictionId: 'generated-1', correlationId: 'correlation-1' }]);
    expect(answer).toMatchObject({ statusCode: 200, headers: { 'x-prediction-id': 'generated-1', 'x-correlation-id': 'correlation-1' } });
    expect(JSON.parse(answer.body)).toMatchObject({
      id: 'generated-1',
      model_name: 'delay',
      outputs: [{ name: 'late_probability' }, { name: 'warn' }],
    });
    expect(s.measured).toMatchObject({ Predictions: 1 });
  });

  test('is in the books before it is answered, with the time of the workload clock [I6]', async () => {
    const s = setting();
    await s.infer(requestBody({ id: 'f-1', parameters: { event_time: '2013-04-01T05:00:00Z' } }));
    expect(s.db.items('predictions')).toEqual([
      expect.objectContaining({
        key: 'delay/f-1',
        state: 'open',
        madeAt: START.toISOString(),
        eventTime: '2013-04-01T05:00:00.000Z',
        expiresAt: '2013-04-03T05:00:00.000Z',
        endpoint: 'flights-dev-delay',
        variant: 'AllTraffic',
        decision: true,
        inTime: true,
      }),
    ]);
    expect(await s.booksOf()).toEqual({ model: 'delay', made: 1, labelled: 0, expired: 0, open: 1 });
  });

  test('fails with 500 and is counted as our fault when the books cannot be written: no answer is given that nobody could label', async () => {
    const s = setting();
    s.db.before = (name) => {
      if (name === 'TransactWriteCommand') {
        throw new Error('no table');
      }
    };
    const answer = await s.infer(requestBody());
    expect(answer.statusCode).toBe(500);
    expect(errorOf(answer)).toBe('internal error; give this id to the owner of the API: correlation-1');
    expect(s.measured).toEqual({ ModelTime: expect.any(Number), ApiFault: 1 });
    expect(s.logged.at(-1)).toMatchObject({ message: 'fault', fields: { correlationId: 'correlation-1', model: 'delay' } });
  });

  test('keeps 64-bit integers of the answer as the model wrote them', async () => {
    const s = setting(answering('{"outputs":[{"name":"n","datatype":"INT64","shape":[1],"data":[9007199254740993]}]}'));
    expect((await s.infer(requestBody())).body).toContain('9007199254740993');
  });

  test("takes the id that the client gave instead of the model's own", async () => {
    const s = setting(answering('{"id":"other","model_name":"m","outputs":[]}'));
    expect(JSON.parse((await s.infer(requestBody({ id: 'mine' }))).body)).toEqual({ id: 'mine', model_name: 'm', outputs: [] });
  });

  test('says whether the decision came early enough to act on', async () => {
    const s = setting();
    s.inferDeps.settings.decisionLeadSeconds = 3600;
    await s.infer(requestBody({ id: 'just', parameters: { event_time: '2013-04-01T05:00:00Z' } }));
    await s.infer(requestBody({ id: 'late', parameters: { event_time: '2013-04-01T04:59:59Z' } }));
    expect(s.db.items('predictions').map(({ inTime }) => inTime)).toEqual([true, false]);
  });

  test('accepts a base64 body, which Amazon API Gateway sends for binary media types', async () => {
    const s = setting();
    const plain = s.request(
      'POST',
      '/v2/models/{model}/infer',
      { model: 'delay' },
      Buffer.from(JSON.stringify(requestBody())).toString('base64'),
    );
    expect((await s.ask({ ...plain, isBase64Encoded: true })).statusCode).toBe(200);
  });

  test('fails with 400 on a body of bytes that is not UTF-8, and asks no model what was not written', async () => {
    const s = setting();
    const bytes = Buffer.from(JSON.stringify({ ...requestBody(), id: 'café' }), 'latin1');
    const request = s.request('POST', '/v2/models/{model}/infer', { model: 'delay' }, bytes.toString('base64'));
    const { statusCode, body } = await s.ask({ ...request, isBase64Encoded: true });
    expect([statusCode, JSON.parse(body)]).toEqual([400, { error: expect.stringMatching(/^the body is not UTF-8: send it in UTF-8/) }]);
    expect(s.calls).toEqual([]);
  });
});

describe('an id of the client makes a request repeatable [I3]', () => {
  test('the same request again gets the stored answer, whatever the order of its fields, and is counted once', async () => {
    const s = setting();
    const first = await s.infer({ id: 'a', ...requestBody() });
    const second = await s.infer({ ...requestBody(), id: 'a' });
    expect(second.body).toBe(first.body);
    expect(second.headers).toMatchObject({ 'x-idempotent-replay': 'true' });
    expect([s.calls.length, s.measured.Predictions]).toEqual([1, 1]);
    expect(await s.booksOf()).toMatchObject({ made: 1 });
  });

  test('fails with 409 when another request comes under the same id', async () => {
    const s = setting();
    await s.infer(requestBody({ id: 'a' }));
    const answer = await s.infer(requestBody({ id: 'a' }, 0.1));
    expect([answer.statusCode, errorOf(answer)]).toEqual([409, "the id 'a' belongs to another request: use a new one"]);
  });

  test('the same id of another model is another prediction', async () => {
    const s = setting();
    await s.infer(requestBody({ id: 'a' }));
    expect((await s.infer(requestBody({ id: 'a' }, 0.1), 'fare')).statusCode).toBe(200);
  });

  test('of two equal requests at once one is recorded and both get its answer', async () => {
    const s = setting();
    const answers = await Promise.all([s.infer(requestBody({ id: 'a' })), s.infer(requestBody({ id: 'a' }))]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect(answers[0].body).toBe(answers[1].body);
    expect(await s.booksOf()).toMatchObject({ made: 1, open: 1 });
  });

  test('fails with 409 for the loser when two different requests race for one id', async () => {
    const s = setting();
    const answers = await Promise.all([s.infer(requestBody({ id: 'a' })), s.infer(requestBody({ id: 'a' }, 0.1))]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
    expect(await s.booksOf()).toMatchObject({ made: 1 });
  });

  test('a repeat after a crash between write and answer gets the answer that was recorded', async () => {
    const s = setting();
    s.db.after = (name) => {
      if (name === 'TransactWriteCommand') {
        throw new Error('connection reset');
      }
    };
    expect((await s.infer(requestBody({ id: 'a' }))).statusCode).toBe(500);
    s.db.after = () => undefined;
    expect((await s.infer(requestBody({ id: 'a' }))).statusCode).toBe(200);
    expect([s.calls.length, (await s.booksOf()).made]).toEqual([1, 1]);
  });
});

describe('with the model down the API is never silent [I7]', () => {
  test.each([
    ['the container answers 500', { name: 'ModelError', OriginalStatusCode: 500, $metadata: { httpStatusCode: 424 } }],
    ['the container answers 429', { name: 'ModelError', OriginalStatusCode: 429, $metadata: { httpStatusCode: 424 } }],
    ['SageMaker answers 503', { name: 'ServiceUnavailable', $metadata: { httpStatusCode: 503 } }],
    ['the model is not ready', { name: 'ModelNotReadyException', $metadata: { httpStatusCode: 429 } }],
    ['nobody answers in time', { name: 'TimeoutError' }],
    ['the connection is refused', { name: 'Error', code: 'ECONNREFUSED', $metadata: { attempts: 2 } }],
  ])('fails with 503 and Retry-After when %s, counts it, and records no prediction', async (_, error) => {
    const s = setting(failing(error));
    const answer = await s.infer(requestBody());
    expect(answer).toMatchObject({ statusCode: 503, headers: { 'retry-after': '30', 'x-correlation-id': 'correlation-1' } });
    expect(errorOf(answer)).toBe("the model 'delay' gives no answer now: it failed or did not answer in time");
    expect(s.measured).toEqual({ ModelUnavailable: 1 });
    expect(s.db.items('predictions')).toEqual([]);
  });

  test.each(['not json', '{"predictions":[1]}', '[]', '{"outputs":[1]}'])('fails with 503 when the model answers %s', async (body) => {
    const answer = await setting(answering(body)).infer(requestBody());
    expect([answer.statusCode, errorOf(answer)]).toEqual([
      503,
      "the model 'delay' gives no answer now: its answer does not follow the Open Inference Protocol",
    ]);
  });

  test('fails with 400 when the container refuses the request, and counts nothing against the model', async () => {
    const s = setting(failing({ name: 'ModelError', OriginalStatusCode: 422, $metadata: { httpStatusCode: 424 } }));
    const answer = await s.infer(requestBody());
    expect([answer.statusCode, errorOf(answer)]).toEqual([400, 'the model refused the request: it broke']);
    expect(s.measured).toEqual({});
  });

  test('fails with 500 and an ApiFault when a permission of ours is missing', async () => {
    const s = setting(failing({ name: 'AccessDeniedException', $metadata: { httpStatusCode: 403 } }));
    expect((await s.infer(requestBody())).statusCode).toBe(500);
    expect(s.measured).toEqual({ ApiFault: 1 });
  });
});

describe('what the API refuses', () => {
  test('fails with 404 for a model that has no endpoint', async () => {
    const s = setting(
      failing({ name: 'ValidationError', message: 'Endpoint flights-dev-no of account 1 not found.', $metadata: { httpStatusCode: 400 } }),
    );
    const answer = await s.infer(requestBody(), 'no');
    expect([answer.statusCode, errorOf(answer)]).toEqual([404, "there is no model 'no'"]);
    expect(s.measured).toEqual({});
  });

  test('fails with 503 for a known model whose first version is not released yet, and blames nobody [R5]', async () => {
    const missing = failing({ name: 'ValidationError', message: 'Endpoint x of account 1 not found.', $metadata: { httpStatusCode: 400 } });
    const s = setting({ ...missing, signatures: { delay: { inputs: [{ name: 'risk', datatype: 'FP64', shape: [-1] }], outputs: [] } } });
    const answer = await s.infer(requestBody());
    expect([answer.statusCode, errorOf(answer)]).toEqual([
      503,
      "the model 'delay' has no released version yet: approve one of its versions",
    ]);
    expect([answer.headers?.['retry-after'], s.measured]).toEqual(['30', {}]);
  });

  test.each(['', 'Delay', '../x', 'a--b', '-a', 'a'.repeat(41)])(
    "fails with 404 for the model name '%s' without asking anybody",
    async (model) => {
      const s = setting();
      expect((await s.infer(requestBody(), model)).statusCode).toBe(404);
      expect(s.calls).toEqual([]);
    },
  );

  const tensor = requestBody().inputs[0];
  test.each([
    ['not JSON', 'nothing', 'the body is not JSON'],
    ['a list', [], 'the body must be a JSON object'],
    ['no inputs', {}, "'inputs' must be a list of at least one tensor"],
    ['empty inputs', { inputs: [] }, "'inputs' must be a list of at least one tensor"],
    ['an id that no path can hold', { ...requestBody(), id: 'a/b' }, "'id' must be 1 to 64 letters"],
    ['an id of 65 characters', { ...requestBody(), id: 'x'.repeat(65) }, "'id' must be 1 to 64 letters"],
    ['parameters that are a list', { ...requestBody(), parameters: [] }, "'parameters' must be an object"],
    ['a tensor that is none', { inputs: [1] }, "'inputs[0]' must be an object with name, shape, datatype and data"],
    ['a tensor without name', { inputs: [{ ...tensor, name: '' }] }, "'inputs[0]' needs a 'name'"],
    ['a name twice', { inputs: [tensor, tensor] }, "'inputs[1]' repeats the name 'risk'"],
    ['an unknown datatype', { inputs: [{ ...tensor, datatype: 'FLOAT' }] }, "'inputs[0]' needs a 'datatype' of BOOL"],
    ['a negative dimension', { inputs: [{ ...tensor, shape: [-1] }] }, "'inputs[0]' needs a 'shape' of whole numbers"],
    ['no data', { inputs: [{ ...tensor, data: 1 }] }, "'inputs[0]' needs its 'data' as a list"],
    ['more values than the shape says', { inputs: [{ ...tensor, data: [1, 2] }] }, "'inputs[0]' has shape [1] but 2 values"],
    [
      'a time without offset',
      requestBody({ parameters: { event_time: '2013-04-01T05:00:00' } }),
      "'parameters.event_time' must be an ISO 8601 time with offset",
    ],
    [
      'a time that is no text',
      requestBody({ parameters: { event_time: 5 } }),
      "'parameters.event_time' must be an ISO 8601 time with offset",
    ],
  ])('fails with 400 on %s', async (_, body, message) => {
    const s = setting();
    const answer = await s.infer(body);
    expect(answer.statusCode).toBe(400);
    expect(errorOf(answer)).toContain(message);
    expect([s.calls, s.measured]).toEqual([[], {}]);
  });

  test('names every problem of a request at once', async () => {
    const answer = await setting().infer({ id: '', inputs: [{ shape: [1], data: [1] }] });
    expect(errorOf(answer)).toMatch(/'id' must be .*; 'inputs\[0\]' needs a 'name'; 'inputs\[0\]' needs a 'datatype'/);
  });

  test('fails with 400 on an event whose label window is over already, and not one millisecond earlier', async () => {
    const s = setting();
    const at = (ms: number) => requestBody({ parameters: { event_time: new Date(START.getTime() - 48 * HOUR + ms).toISOString() } });
    expect(errorOf(await s.infer(at(0)))).toContain('that no feedback could be accepted');
    expect((await s.infer(at(1))).statusCode).toBe(200);
  });

  test('fails with 400 on an event more than 400 days ahead, which would stay open for ever', async () => {
    const s = setting();
    const at = (ms: number) => requestBody({ parameters: { event_time: new Date(START.getTime() + 400 * 24 * HOUR + ms).toISOString() } });
    expect((await s.infer(at(0))).statusCode).toBe(200);
    expect(errorOf(await s.infer(at(1)))).toContain('more than 400 days after now');
  });

  test('fails with 413 on a body one byte above the limit', async () => {
    const s = setting();
    const empty = JSON.stringify(requestBody({ parameters: { pad: '' } }));
    const padded = (bytes: number) => requestBody({ parameters: { pad: 'x'.repeat(bytes - empty.length) } });
    expect((await s.infer(padded(2000))).statusCode).toBe(200);
    expect(errorOf(await s.infer(padded(2001)))).toContain('the body has 2001 bytes, the limit is 2000');
  });

  test('fails with 400 on a body that nests too deeply, wherever it does, and takes one that just does not', async () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    const bodies = (levels: number) => [
      `{"inputs":[{"name":"distance","datatype":"FP64","shape":[1],"data":${nested(levels - 3)}}]}`,
      JSON.stringify(requestBody()).replace(/}$/, `,"parameters":{"x":${nested(levels - 2)}}}`),
      JSON.stringify(requestBody()).replace(/}$/, `,"y":${'{"a":'.repeat(levels - 2)}{}${'}'.repeat(levels - 2)}}`),
      nested(levels),
    ];
    const ask = async (body: string) => {
      const s = setting();
      s.inferDeps.settings.maximumRequestBytes = 1_000_000;
      s.inferDeps.signatures = { delay: { inputs: [{ name: 'distance', datatype: 'FP64', shape: [-1] }], outputs: [] } };
      const { statusCode, body: text } = await s.ask(s.request('POST', '/v2/models/{model}/infer', { model: 'delay' }, body));
      return [statusCode, text.includes('nests lists and objects in more than 64 levels'), s.measured.ApiFault];
    };
    for (const levels of [65, 150_000]) {
      for (const body of bodies(levels)) {
        expect(await ask(body)).toEqual([400, true, undefined]);
      }
    }
    for (const body of bodies(64)) {
      expect((await ask(body))[1]).toBe(false);
    }
  });

  test('fails with 413 on an answer that the books cannot hold', async () => {
    const big = JSON.stringify({ outputs: [{ name: 'x', data: ['y'.repeat(MAXIMUM_ANSWER_BYTES)] }] });
    expect((await setting(answering(big)).infer(requestBody())).statusCode).toBe(413);
  });

  test('fails with 400 on several decisions in one request: feedback joins to one', async () => {
    const answer = await setting(answering('{"outputs":[{"name":"warn","datatype":"BOOL","shape":[2],"data":[true,false]}]}')).infer(
      requestBody(),
    );
    expect([answer.statusCode, errorOf(answer)]).toEqual([400, expect.stringContaining('send one row per request')]);
  });

  test('fails with 404 on a route that does not exist', async () => {
    expect((await setting().get('/v3')).statusCode).toBe(404);
  });
});

describe('status routes of the protocol', () => {
  test('the server is live, ready and has a name', async () => {
    const s = setting();
    expect(JSON.parse((await s.get('/v2/health/live')).body)).toEqual({ live: true });
    expect(JSON.parse((await s.get('/v2/health/ready')).body)).toEqual({ live: true, ready: true });
    expect(JSON.parse((await s.get('/v2')).body)).toMatchObject({ name: 'cdk-ai-workloads', extensions: [] });
  });

  test('the server is not ready while the books do not answer', async () => {
    const s = setting();
    s.db.before = () => Promise.reject(new Error('down'));
    expect((await s.get('/v2/health/ready')).statusCode).toBe(500);
  });

  test.each([
    ['InService', 200, true],
    ['Updating', 200, true],
    ['Creating', 503, false],
    ['Failed', 503, false],
  ])('a model whose endpoint is %s answers %d', async (status, code, ready) => {
    const answer = await setting({ describe: () => Promise.resolve(status) }).get('/v2/models/{model}/ready', { model: 'delay' });
    expect([answer.statusCode, JSON.parse(answer.body)]).toEqual([code, { name: 'delay', ready }]);
  });

  test('a model tells its tensors where they are declared', async () => {
    const signature = {
      inputs: [{ name: 'risk', datatype: 'FP64', shape: [1] }],
      outputs: [{ name: 'warn', datatype: 'BOOL', shape: [1] }],
    };
    const answer = await setting({ signatures: { delay: signature } }).get('/v2/models/{model}', { model: 'delay' });
    expect(JSON.parse(answer.body)).toEqual({ name: 'delay', platform: 'amazon_sagemaker', ...signature });
  });

  test('fails with 404 for a model without endpoint', async () => {
    const s = setting({ describe: () => Promise.resolve(undefined) });
    expect((await s.get('/v2/models/{model}', { model: 'no' })).statusCode).toBe(404);
    expect((await s.get('/v2/models/{model}/ready', { model: 'no' })).statusCode).toBe(404);
  });
});

test('the stand-in model of these tests follows the protocol', () => {
  expect(JSON.parse(MODEL(JSON.stringify(requestBody()))).outputs).toHaveLength(2);
});
