import { createServer, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { realClock } from '../../../operations/measure/clock';
import { sendOpenLoop } from '../../../operations/measure/open-loop';
import { watchEventLoop } from '../../../operations/measure/run';
import { loadClient, senderOf, warmUp } from '../../../operations/measure/runtime';

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
