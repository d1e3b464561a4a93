import { createServer } from 'node:http';
import { AddressInfo } from 'node:net';
import { ParameterAlreadyExists, ParameterNotFound } from '@aws-sdk/client-ssm';
import { Pointers, seed, SeedRequest } from '../../../runtime/approved-version/core';
import { CustomResourceRequest, makeHandler, parameters, putAnswer } from '../../../runtime/approved-version/handler';

const NAME = '/flights-dev/models/delay/approved';
const ARN = 'arn:aws:sagemaker:eu-central-1:111122223333:model-package/flights-dev-delay/7';

function store(content: Record<string, string> = {}) {
  const values = new Map(Object.entries(content));
  const pointers: Pointers = {
    createIfAbsent: async (name, value) => {
      const absent = !values.has(name);
      values.set(name, values.get(name) ?? value);
      return absent;
    },
    remove: async (name) => void values.delete(name),
  };
  return { values, pointers };
}

const request = (RequestType: SeedRequest['RequestType'], PhysicalResourceId?: string, removable = 'true'): SeedRequest => ({
  RequestType,
  PhysicalResourceId,
  ResourceProperties: { ParameterName: NAME, InitialValue: 'none', DeleteWhatItCreated: removable },
});

describe('the seed of a pointer [R4, R5]', () => {
  test('creates a pointer where there is none and deletes it again', async () => {
    const { values, pointers } = store();
    const id = await seed(request('Create'), pointers);
    expect([id, values.get(NAME)]).toEqual([`${NAME}#created`, 'none']);
    expect(await seed(request('Delete', id), pointers)).toBe(id);
    expect(values.size).toBe(0);
  });

  test('adopts a pointer that is there, and leaves it when the create is undone', async () => {
    const { values, pointers } = store({ [NAME]: ARN });
    const id = await seed(request('Create'), pointers);
    expect(id).toBe(`${NAME}#adopted`);
    await seed(request('Delete', id), pointers);
    expect(values.get(NAME)).toBe(ARN);
  });

  test.each([`${NAME}#created`, `${NAME}#adopted`, 'an-id-that-CloudFormation-made-up'])('does nothing on an update of %s', async (id) => {
    const { values, pointers } = store({ [NAME]: ARN });
    expect(await seed(request('Update', id), pointers)).toBe(id);
    expect([...values]).toEqual([[NAME, ARN]]);
  });

  test.each([
    ['it may not', request('Delete', `${NAME}#created`, 'false')],
    ['the create never answered, so that the id is not ours', request('Delete', 'Stack-Seed-1ABC')],
    ['the id is of another pointer', request('Delete', '/flights-dev/models/other/approved#created')],
    ['there is no id', request('Delete')],
  ])('deletes nothing when %s', async (_why, event) => {
    const { values, pointers } = store({ [NAME]: ARN });
    await seed(event, pointers);
    expect(values.get(NAME)).toBe(ARN);
  });

  test('finds its own pointer when AWS Lambda runs a create again, and then counts as adopted', async () => {
    const { values, pointers } = store();
    await seed(request('Create'), pointers);
    expect(await seed(request('Create'), pointers)).toBe(`${NAME}#adopted`);
    expect(values.get(NAME)).toBe('none');
  });
});

const asked = (event: SeedRequest): CustomResourceRequest => ({
  ...event,
  ...{ ResponseURL: 'https://answers', StackId: 'stack', RequestId: 'request', LogicalResourceId: 'Seed' },
});

function answers(pointers: Pointers) {
  const told: { url: string; body: Record<string, string> }[] = [];
  const put = async (url: string, body: string) => void told.push({ url, body: JSON.parse(body) });
  return { told, handler: makeHandler({ pointers, put, logger: { info: () => undefined, error: () => undefined } }) };
}

describe('the answer to AWS CloudFormation', () => {
  test('names the request, the resource and its physical id', async () => {
    const { told, handler } = answers(store().pointers);
    await handler(asked(request('Create')));
    expect(told).toEqual([
      {
        url: 'https://answers',
        body: {
          Status: 'SUCCESS',
          PhysicalResourceId: `${NAME}#created`,
          StackId: 'stack',
          RequestId: 'request',
          LogicalResourceId: 'Seed',
        },
      },
    ]);
  });

  test('says why a create failed, with an id of which nothing is deleted', async () => {
    const refuse = async () => Promise.reject(new Error('AccessDenied'));
    const { told, handler } = answers({ createIfAbsent: refuse, remove: refuse });
    await handler(asked(request('Create')));
    expect(told[0].body).toMatchObject({
      Status: 'FAILED',
      PhysicalResourceId: `${NAME}#adopted`,
      Reason: `Create of ${NAME}: AccessDenied`,
    });
    await handler(asked(request('Delete', told[0].body.PhysicalResourceId)));
    expect(told[1].body.Status).toBe('SUCCESS');
  });

  test('keeps the id of a delete that failed, so that it can be tried again', async () => {
    const refuse = async () => Promise.reject(new Error('Throttled'));
    const { told, handler } = answers({ createIfAbsent: refuse, remove: refuse });
    await handler(asked(request('Delete', `${NAME}#created`)));
    expect(told[0].body).toMatchObject({ Status: 'FAILED', PhysicalResourceId: `${NAME}#created` });
  });

  test('is put without a content type, and fails when it is not taken', async () => {
    const seen: unknown[] = [];
    const server = createServer((req, res) => {
      req.on('data', (chunk) => seen.push(req.method, String(chunk)));
      req.on('end', () => {
        seen.push(req.headers['content-type']);
        res.writeHead(req.url === '/taken' ? 200 : 403).end();
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await putAnswer(`${address}/taken`, '{}');
    expect(seen).toEqual(['PUT', '{}', '']);
    await expect(putAnswer(`${address}/refused`, '{}')).rejects.toThrow('the answer was not taken: status 403');
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('pointers in AWS Systems Manager', () => {
  const meta = { $metadata: {}, message: 'said so' };
  const sent: unknown[] = [];
  const client = (error?: Error) => ({
    send: async (command: { input: unknown }) => {
      sent.push(command.input);
      if (error !== undefined) {
        throw error;
      }
    },
  });
  const of = (error?: Error) => parameters(client(error) as never);

  test('are put without overwriting', async () => {
    expect(await of().createIfAbsent(NAME, 'none')).toBe(true);
    expect(sent.pop()).toEqual({ Name: NAME, Value: 'none', Type: 'String' });
    expect(await of(new ParameterAlreadyExists(meta)).createIfAbsent(NAME, 'none')).toBe(false);
  });

  test('may be gone already when they are deleted', async () => {
    await of(new ParameterNotFound(meta)).remove(NAME);
    expect(sent.pop()).toEqual({ Name: NAME });
  });

  test('fail on every other error', async () => {
    await expect(of(new Error('AccessDenied')).createIfAbsent(NAME, 'none')).rejects.toThrow('AccessDenied');
    await expect(of(new Error('AccessDenied')).remove(NAME)).rejects.toThrow('AccessDenied');
  });
});
