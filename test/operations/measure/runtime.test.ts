import { InvokeEndpointCommandInput } from '@aws-sdk/client-sagemaker-runtime';
import fc from 'fast-check';
import { createServer, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { realClock } from '../../../operations/measure/clock';
import { sendOpenLoop } from '../../../operations/measure/open-loop';
import { watchEventLoop } from '../../../operations/measure/run';
import { loadClient, senderOf, warmUp } from '../../../operations/measure/runtime';
import { VirtualClock } from './queues';

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
const seen: { url?: string; type?: string; component?: string | string[]; body: string }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (data: Buffer) => (body += data.toString()));
    request.on('end', () => {
      seen.push({
        url: request.url,
        type: request.headers['content-type'],
        component: request.headers['x-amzn-sagemaker-inference-component'],
        body,
      });
      answer(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  seen.length = 0;
  answer = (_, response) => response.end('{}');
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function sender(bodies = ['a', 'b'], component?: string) {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = loadClient({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 's' } });
  const given = bodies.map((body) => Buffer.from(body));
  return {
    send: senderOf(client, { endpoint: 'air-dev-delay', component, contentType: 'text/csv', bodies: given }),
    end: () => client.destroy(),
  };
}

const failing = (status: number, type: string, fields: object = {}) => {
  answer = (_, response) => response.writeHead(status, { 'x-amzn-errortype': type }).end(JSON.stringify({ Message: 'no', ...fields }));
};

describe('what is sent to an endpoint', () => {
  test('are the bodies in turn, with their content type', async () => {
    const { send, end } = sender();
    for (const i of [0, 1, 2]) {
      expect(await send(i)).toBeUndefined();
    }
    end();
    const request = { url: '/endpoints/air-dev-delay/invocations', type: 'text/csv' };
    expect(seen).toEqual(['a', 'b', 'a'].map((body) => ({ ...request, body })));
  });

  test('is answered with the tokens that its answer states, and is served whatever that has instead', async () => {
    const answers = ['{"usage":{"total_tokens":70}}', '{"usage":{"total_tokens":', '1,2', ''];
    answer = (_, response) => response.end(answers[seen.length - 1]);
    const { send, end } = sender();
    const told = [await send(0), await send(1), await send(2), await send(3)];
    end();
    expect(told).toEqual([70, undefined, undefined, undefined]);
  });

  test('goes to the component that is named', async () => {
    const { send, end } = sender(['a'], 'chat-small');
    await send(0);
    end();
    expect(seen).toMatchObject([{ component: 'chat-small' }]);
  });

  test('goes out while 150 requests are open: the 50 sockets of the SDK would hold 100 of them back', async () => {
    const held: ServerResponse[] = [];
    answer = (_, response) => {
      held.push(response);
      if (held.length === 150) {
        held.forEach((one) => one.end('{}'));
      }
    };
    const { send, end } = sender();
    let answered = 0;
    const observer = { sent: () => undefined, answered: () => answered++, enough: () => undefined };
    const schedule = Float64Array.from({ length: 150 }, (_, i) => i / 2);
    expect(await sendOpenLoop(schedule, send, realClock, observer)).toBeUndefined();
    end();
    expect(answered).toBe(150);
  });

  test.each([
    ['ModelError 500', 424, 'ModelError', { OriginalStatusCode: 500 }],
    ['ModelError 400', 424, 'ModelError', { OriginalStatusCode: 400 }],
    ['ThrottlingException 429', 429, 'ThrottlingException', {}],
    ['ServiceUnavailable 503', 503, 'ServiceUnavailable', {}],
  ])('is counted as %s when it fails, and not sent again', async (failure, status, type, fields) => {
    failing(status, type, fields);
    const { send, end } = sender();
    expect(await send(0)).toBe(failure);
    end();
    expect(seen).toHaveLength(1);
  });

  test('is counted under what broke the connection', async () => {
    answer = (request) => request.socket.destroy();
    const { send, end } = sender();
    expect(await send(0)).toBe('ECONNRESET');
    end();
  });
});

describe('with a window of priorities, what is sent', () => {
  /** What a client is given, with the bodies as texts; `now` is unix time, milliseconds. */
  function windowed(bodies: string[], priorityWindowSeconds: number | undefined, now: () => number) {
    const sent: string[] = [];
    const client = {
      send: async ({ input }: { input: InvokeEndpointCommandInput }) => {
        sent.push(Buffer.from(input.Body as Uint8Array).toString());
        return {};
      },
    };
    const given = bodies.map((body) => Buffer.from(body));
    const requests = { endpoint: 'chat', contentType: 'application/json', bodies: given, priorityWindowSeconds };
    return { sent, send: senderOf(client as never, requests, now) };
  }

  test('states the window of the moment at which it is sent, the newest lowest', async () => {
    const [clock, begin] = [new VirtualClock(), 1_800_000_003_000];
    const { sent, send } = windowed(['{"messages":[]}'], 6, () => begin + clock.now());
    const observer = { sent: () => undefined, answered: () => undefined, enough: () => undefined };
    // A request each second: 3 s of the first window are left, as 1,800,000,000 is a multiple of 6.
    await clock.run(
      sendOpenLoop(
        Float64Array.from({ length: 17 }, (_, i) => 1000 * i),
        send,
        clock,
        observer,
      ),
    );
    const first = -300_000_000;
    const [three, six] = [3, 6].map((length) => (priority: number) => Array<number>(length).fill(priority));
    const expected = [...three(first), ...six(first - 1), ...six(first - 2), first - 3, first - 3];
    expect(sent).toEqual(expected.map((priority) => `{"messages":[],"priority":${priority}}`));
  });

  test('is in the window that its time is in, whatever the window', async () => {
    const time = fc.integer({ min: 0, max: 4e12 });
    await fc.assert(
      fc.asyncProperty(time, fc.integer({ min: 1, max: 600 }), async (milliseconds, window) => {
        const { sent, send } = windowed(['{}'], window, () => milliseconds);
        await send(0);
        const { priority } = JSON.parse(sent[0]) as { priority: number };
        expect(Number.isInteger(priority)).toBe(true);
        expect(-priority * window * 1000).toBeLessThanOrEqual(milliseconds);
        expect((1 - priority) * window * 1000).toBeGreaterThan(milliseconds);
      }),
    );
  });

  test('is what was given and the priority, in turn, byte for byte', async () => {
    const { sent, send } = windowed(['{"n":1.0, "t":"é}"}', ' {}\n', '{"a":{"priority":1}}\r\n'], 2.5, () => 10_000);
    for (const i of [0, 1, 2, 3]) {
      await send(i);
    }
    expect(sent).toEqual([
      '{"n":1.0, "t":"é}","priority":-4}',
      '{"priority":-4}',
      '{"a":{"priority":1},"priority":-4}',
      '{"n":1.0, "t":"é}","priority":-4}',
    ]);
  });

  test('is any JSON object with one field more', async () => {
    const fields = fc.dictionary(fc.string(), fc.jsonValue()).filter((body) => !Object.hasOwn(body, 'priority'));
    await fc.assert(
      fc.asyncProperty(fields, async (body) => {
        const { sent, send } = windowed([JSON.stringify(body)], 6, () => 12_000);
        await send(0);
        expect(JSON.parse(sent[0])).toEqual({ ...(JSON.parse(JSON.stringify(body)) as object), priority: -2 });
      }),
    );
  });

  test('fails before anything is sent for a body that takes no priority, or has one', () => {
    const opening = (body: string) => () => windowed(['{}', body], 6, () => 0);
    for (const body of ['[1]', '1,2', '"text"', 'null', '{"a":1', '{}{}', '']) {
      expect(opening(body)).toThrow(
        `--priority-window states a field of each body, so bodies must be JSON objects: number 2 of --request is '${body}'`,
      );
    }
    expect(opening(`[${'1,'.repeat(50)}1]`)).toThrow(/number 2 of --request is '\[(1,){19}1\.\.\.'$/);
    expect(opening('{"priority":0}')).toThrow('number 2 of --request has one of 0: take it out');
    expect(opening('{"priority":null}')).toThrow('number 2 of --request has one of null: take it out');
  });
});

describe('the warm-up', () => {
  test('answers the median latency of 20 requests, one after the other', async () => {
    let open = 0;
    let most = 0;
    answer = (_, response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        response.end('{}');
      }, 30);
    };
    const { send, end } = sender();
    expect(await warmUp(send, realClock)).toBeGreaterThanOrEqual(29);
    end();
    expect([seen.length, most]).toEqual([20, 1]);
  });

  test('fails with what the endpoint says', async () => {
    failing(424, 'ModelError', { OriginalStatusCode: 400 });
    const { send, end } = sender();
    await expect(warmUp(send, realClock)).rejects.toThrow(
      'WarmUpFailed: 20 of 20 requests failed, sent one after the other, the first with ModelError 400: check --request',
    );
    end();
  });
});

test('the event loop is known to be late when this process was busy', async () => {
  const idle = watchEventLoop();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = idle(50);
  const busy = watchEventLoop();
  await new Promise((resolve) => setTimeout(resolve, 30));
  const end = performance.now() + 400;
  while (performance.now() < end);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(busy(99)).toBeGreaterThan(300);
  expect(before).toBeLessThan(100);
});
