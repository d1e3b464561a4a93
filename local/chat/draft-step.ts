import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeEndpointCommand } from '@aws-sdk/client-sagemaker';
import { InvokeEndpointAsyncCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { chatRequest, conversations } from '../../examples/chat/traffic';
import { Clients, CREDENTIALS, REGION } from '../start/clients';
import { Step, until } from '../start/run';
import type { PlatformClock } from './replay';

/** What the step needs of the run. */
export interface DraftRun {
  readonly clients: Clients;
  readonly url: string;
  /** Name of the asynchronous endpoint. */
  readonly endpoint: string;
  /** Address below which requests lie, `s3://bucket/prefix`. */
  readonly inputUrl: string;
  readonly clock: PlatformClock;
  readonly signal: AbortSignal;
}

/** Start of an instance and of its container, and what the alarms need. */
const LONGEST_MINUTES = 45;

const placeOf = (url: string): { Bucket: string; Key: string } => {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(url)!;
  return { Bucket, Key };
};

/** Puts a request into the bucket, has it called, and waits until its answer lies there, though there is no instance at first. */
export const draftStep = (run: () => DraftRun): Step => ({
  title: 'Ask for a draft: the queue keeps the request until an instance has woken',
  run: async (say) => {
    const { clients, url, endpoint, inputUrl, clock, signal } = run();
    const instances = async () =>
      (await clients.sageMaker.send(new DescribeEndpointCommand({ EndpointName: endpoint }))).ProductionVariants?.[0].CurrentInstanceCount;
    const [request] = conversations();
    const input = `${inputUrl}/draft.json`;
    const asked = clock.now();
    const before = await instances();
    await clients.s3.send(new PutObjectCommand({ ...placeOf(input), Body: JSON.stringify(chatRequest(request)) }));
    const runtime = new SageMakerRuntimeClient({ endpoint: url, region: REGION, credentials: CREDENTIALS });
    const { OutputLocation } = await runtime.send(
      new InvokeEndpointAsyncCommand({ EndpointName: endpoint, InputLocation: input, ContentType: 'application/json' }),
    );
    const seconds = (LONGEST_MINUTES * 60) / clock.factor;
    const answer = await until(`the answer at ${OutputLocation}`, seconds, signal, async () => {
      say(`${await instances()} instances, at first ${before}`);
      const found = await clients.s3.send(new GetObjectCommand(placeOf(OutputLocation!))).catch(() => undefined);
      return found?.Body?.transformToString();
    });
    const { usage } = JSON.parse(answer) as { usage: { completion_tokens: number } };
    if (usage.completion_tokens !== request.answerTokens) {
      throw new Error(`WrongDraft: asked for ${request.answerTokens} tokens, got ${usage.completion_tokens}`);
    }
    say(`${before} instances at first; ${usage.completion_tokens} tokens after ${((clock.now() - asked) / 60).toFixed(1)} minutes`);
  },
});
