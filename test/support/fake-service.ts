/** An HTTP request as a client of the SDK makes it. */
type Handle<Request> = (request: Request) => Promise<{ response: unknown }>;

/**
 * What makes a client of the SDK talk to a fake: its requests go to `handle`. Serialization, errors and paging are the real ones; nothing
 * is signed and nothing is written for a log, because no fake looks at either and together they are half the time of a call.
 */
export const fakeService = <Request>(name: string, handle: Handle<Request>) => ({
  region: 'eu-central-1',
  endpoint: `http://${name}.fake`,
  credentials: { accessKeyId: 'fake', secretAccessKey: 'fake' },
  maxAttempts: 1,
  signer: { sign: async (request: never) => request },
  logger: {} as never,
  requestHandler: { handle, metadata: { handlerProtocol: 'http/1.1' } } as never,
});
