import { requestBody, setting, START } from '../prediction-books/setting';

const EVENT = { parameters: { event_time: '2013-04-01T05:00:00Z' } };
const END = Date.parse('2013-04-03T05:00:00Z');

async function predicted(over: object = {}) {
  const s = setting();
  await s.infer(requestBody({ id: 'a', ...EVENT, ...over }));
  return s;
}
const bodyOf = ({ body }: { body: string }) => JSON.parse(body);

describe('feedback [I6]', () => {
  test('joins ground truth to its prediction', async () => {
    const s = await predicted();
    const answer = await s.feedback('a', { outcome: true, observed_at: '2013-04-01T09:00:00+02:00' });
    expect([answer.statusCode, bodyOf(answer)]).toEqual([200, { id: 'a', state: 'labelled', duplicate: false }]);
    expect(s.db.items('predictions')[0]).toMatchObject({
      state: 'labelled',
      outcome: true,
      observedAt: '2013-04-01T07:00:00.000Z',
      labelledAt: START.toISOString(),
    });
    expect(s.db.items('predictions')[0]).not.toHaveProperty('openShard');
    expect(await s.booksOf()).toEqual({ model: 'delay', made: 1, labelled: 1, expired: 0, open: 0 });
    expect(s.measured).toMatchObject({ PredictionsLabelled: 1 });
  });

  test('the same feedback again changes nothing', async () => {
    const s = await predicted();
    await s.feedback('a', { outcome: true });
    const answer = await s.feedback('a', { outcome: true });
    expect([answer.statusCode, bodyOf(answer)]).toEqual([200, { id: 'a', state: 'labelled', duplicate: true }]);
    expect(await s.booksOf()).toMatchObject({ labelled: 1, open: 0 });
    expect(s.measured.PredictionsLabelled).toBe(1);
  });

  test('fails with 409 on other ground truth, counts it and keeps the first', async () => {
    const s = await predicted();
    await s.feedback('a', { outcome: true });
    const answer = await s.feedback('a', { outcome: false });
    expect([answer.statusCode, bodyOf(answer).error]).toEqual([409, "the outcome of 'a' is already recorded as true: the first one stays"]);
    expect(s.measured).toMatchObject({ FeedbackConflict: 1 });
    expect(s.db.items('predictions')[0]).toMatchObject({ outcome: true });
  });

  test('fails with 404 on an unknown id, on that of another model and on one that cannot exist', async () => {
    const s = await predicted();
    expect((await s.feedback('b', { outcome: true })).statusCode).toBe(404);
    expect((await s.feedback('a', { outcome: true }, 'fare')).statusCode).toBe(404);
    expect((await s.feedback('a b', { outcome: true })).statusCode).toBe(404);
  });

  test('fails with 410 from the end of the label window on, whether or not the expiry job came by, and counts it', async () => {
    const s = await predicted();
    s.clock.at = new Date(END);
    const late = await s.feedback('a', { outcome: true });
    expect([late.statusCode, bodyOf(late).error]).toEqual([
      410,
      "the label window of 'a' ended at 2013-04-03T05:00:00.000Z: it counts as expired",
    ]);
    await s.expire();
    expect((await s.feedback('a', { outcome: true })).statusCode).toBe(410);
    expect(s.measured).toMatchObject({ FeedbackLate: 2 });
    s.clock.at = new Date(END - 1);
    expect((await s.feedback('a', { outcome: true })).statusCode).toBe(410);
  });

  test('is accepted up to the last millisecond', async () => {
    const s = await predicted();
    s.clock.at = new Date(END - 1);
    expect((await s.feedback('a', { outcome: false })).statusCode).toBe(200);
  });

  test('a repeat after a crash between write and answer is a duplicate', async () => {
    const s = await predicted();
    s.db.after = (name) => {
      if (name === 'TransactWriteCommand') {
        throw new Error('connection reset');
      }
    };
    expect((await s.feedback('a', { outcome: true })).statusCode).toBe(500);
    s.db.after = () => undefined;
    expect(bodyOf(await s.feedback('a', { outcome: true }))).toMatchObject({ duplicate: true });
    expect(await s.booksOf()).toMatchObject({ labelled: 1, open: 0 });
  });

  test('of two contradicting ones at once the first wins and the other conflicts', async () => {
    const s = await predicted();
    const answers = await Promise.all([s.feedback('a', { outcome: true }), s.feedback('a', { outcome: false })]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
    expect(await s.booksOf()).toMatchObject({ labelled: 1, open: 0 });
  });

  test('and expiry that race for a prediction: exactly one wins', async () => {
    const s = await predicted();
    s.clock.at = new Date(END - 1);
    let raced = false;
    s.db.before = async (name) => {
      if (name === 'TransactWriteCommand' && !raced) {
        raced = true;
        s.clock.at = new Date(END);
        await s.expire();
      }
    };
    expect((await s.feedback('a', { outcome: true })).statusCode).toBe(410);
    expect(await s.booksOf()).toMatchObject({ made: 1, labelled: 0, expired: 1, open: 0 });
  });

  test.each([
    ['no outcome', {}, "'outcome' must be true or false"],
    ['an outcome that is no boolean', { outcome: 1 }, "'outcome' must be true or false"],
    ['a list', [], 'the body must be a JSON object'],
    ['not JSON', 'x', 'the body is not JSON'],
    ['a time without offset', { outcome: true, observed_at: '2013-04-01T05:00:00' }, "'observed_at' must be an ISO 8601 time with offset"],
  ])('fails with 400 on %s', async (_, body, message) => {
    const answer = await (await predicted()).feedback('a', body);
    expect([answer.statusCode, bodyOf(answer).error]).toEqual([400, expect.stringContaining(message)]);
  });
});

describe('the books tell', () => {
  test('the state of one prediction', async () => {
    const s = await predicted();
    await s.feedback('a', { outcome: false });
    const answer = await s.tell(s.request('GET', '/v2/models/{model}/predictions/{id}', { model: 'delay', id: 'a' }));
    expect(bodyOf(answer)).toMatchObject({ id: 'a', state: 'labelled', decision: true, outcome: false, correlation_id: 'correlation-1' });
  });

  test('what the objective needs, counted on the day of the event', async () => {
    const s = setting();
    const flights: [string, number, boolean][] = [
      ['hit', 0.9, true],
      ['false-alarm', 0.9, false],
      ['missed', 0.1, true],
      ['quiet', 0.1, false],
    ];
    for (const [id, risk, outcome] of flights) {
      await s.infer(requestBody({ id, ...EVENT }, risk));
      await s.feedback(id, { outcome });
    }
    expect(await s.books.tally()).toEqual([
      { day: '2013-04-01', model: 'delay', made: 4, labelled: 4, expired: 0, judged: 4, positives: 2, warnings: 2, hits: 1 },
    ]);
  });

  test('a warning that came too late as a warning but not as a hit', async () => {
    const s = setting();
    s.inferDeps.settings.decisionLeadSeconds = 2 * 3600;
    await s.infer(requestBody({ id: 'a', ...EVENT }));
    await s.feedback('a', { outcome: true });
    expect((await s.books.tally())[0]).toMatchObject({ judged: 1, positives: 1, warnings: 1, hits: 0 });
  });

  test('an answer without decision as labelled but not as judged', async () => {
    const s = setting();
    s.inferDeps.settings.decisionOutput = undefined;
    await s.infer(requestBody({ id: 'a', ...EVENT }));
    await s.feedback('a', { outcome: true });
    expect((await s.books.tally())[0]).toMatchObject({ labelled: 1, judged: 0, positives: 0 });
  });

  test('each model on its own', async () => {
    const s = await predicted();
    await s.infer(requestBody({ id: 'a' }), 'fare');
    await s.infer(requestBody({ id: 'b' }), 'fare');
    expect([await s.booksOf('delay'), await s.booksOf('fare'), await s.booksOf('none')]).toMatchObject([
      { made: 1 },
      { made: 2 },
      { made: 0 },
    ]);
  });
});

test('writes that meet on one counter are tried again, and given up after a while [I6]', async () => {
  const s = setting();
  let conflicts = 3;
  s.db.before = (name) => {
    if (name === 'TransactWriteCommand' && conflicts-- > 0) {
      throw Object.assign(new Error('conflict'), {
        name: 'TransactionCanceledException',
        CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }],
      });
    }
  };
  expect((await s.infer(requestBody())).statusCode).toBe(200);
  conflicts = 100;
  expect((await s.infer(requestBody())).statusCode).toBe(500);
  expect(100 - conflicts).toBe(8);
});
