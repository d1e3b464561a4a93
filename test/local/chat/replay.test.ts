import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ChatClient, PlatformClock } from '../../../local/chat/replay';

/** What one request that is asked for at a time, and sent at another, has in its body. */
async function bodySent(due: number, sent: number): Promise<unknown> {
  const bodies: string[] = [];
  const server = createServer((request, answer) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      bodies.push(body);
      answer.writeHead(503).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const clock: Pick<PlatformClock, 'factor' | 'now' | 'until'> = { factor: 10, now: () => sent, until: async () => undefined };
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = new ChatClient(url, { endpoint: 'chat', component: 'model' }, clock as PlatformClock);
    const { failure } = await client.ask({ at: 0, promptTokens: 2, answerTokens: 5 }, due);
    expect([failure, bodies]).toEqual([expect.any(String), [expect.any(String)]]);
    return JSON.parse(bodies[0]);
  } finally {
    await new Promise((closed) => server.close(closed));
  }
}

test('a request states the priority of the moment at which it is sent, on the platform clock, however late it is', async () => {
  expect(await bodySent(3, 12.5)).toEqual({
    ...{ messages: [{ role: 'user', content: 'word word' }], max_tokens: 5, ignore_eos: true, stream: true },
    priority: -2,
  });
  expect(await bodySent(6, 6)).toMatchObject({ priority: -1 });
});
