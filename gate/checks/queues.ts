import { Resource, Template } from '../assembly';
import { Check, Problem } from '../check';
import { numeric, ofType, walk } from '../template';
import { named, tokens, written } from '../text';

const DAY = 86_400;
/** Amazon SQS keeps messages 4 days and hides them 30 s unless told otherwise. */
const DEFAULT_RETENTION = 4 * DAY;
const DEFAULT_VISIBILITY = 30;
/** AWS Lambda functions run 3 s unless told otherwise. */
const DEFAULT_FUNCTION_TIMEOUT = 3;

/** Queues lose nothing: dead-letter queue, long enough retention, and a visibility timeout that fits the function that reads them. */
export const queues: Check = {
  name: 'queues',
  run: ({ template }) => {
    const deadLetterQueues = new Set<string>();
    walk(template.Resources, (node) =>
      [node.deadLetterTargetArn, node.DeadLetterConfig?.Arn, node.DeadLetterConfig?.TargetArn, node.OnFailure?.Destination].forEach((arn) =>
        deadLetterQueues.add(queueOf(arn, template) ?? ''),
      ),
    );
    const queueProblems = ofType(template, 'AWS::SQS::Queue').flatMap(([resource, { Properties }]): Problem[] => {
      if (deadLetterQueues.has(resource)) {
        return [];
      }
      if (Properties.RedrivePolicy?.deadLetterTargetArn === undefined) {
        return [
          { resource, problem: 'no dead-letter queue: a message that keeps failing is lost when its retention ends; give a RedrivePolicy' },
        ];
      }
      const own = numeric(Properties.MessageRetentionPeriod) ?? DEFAULT_RETENTION;
      const dead = template.Resources?.[queueOf(Properties.RedrivePolicy.deadLetterTargetArn, template) ?? '']?.Properties;
      const kept = dead && (numeric(dead.MessageRetentionPeriod) ?? DEFAULT_RETENTION);
      return kept === undefined || kept > own
        ? []
        : [
            {
              resource,
              problem: `its dead-letter queue keeps messages ${kept} s and the queue itself ${own} s: age counts from the first send, so keep them longer there`,
            },
          ];
    });
    return [
      ...queueProblems,
      ...ofType(template, 'AWS::Lambda::EventSourceMapping').flatMap(([resource, { Properties }]) =>
        mappingProblems(resource, Properties, template),
      ),
    ];
  },
};

/** The queue of this template that an ARN names: an attribute, or a text that ends with the name. */
export function queueOf(arn: unknown, template: Template): string | undefined {
  const text = written(arn);
  const find = (part: string | undefined) => named(part, 'AWS::SQS::Queue', 'QueueName', template);
  return find(text) ?? find(text?.split(':').pop());
}

/** The function behind a name, ARN, alias or version: the one whose time-out counts. */
function functionOf(name: unknown, template: Template): Resource | undefined {
  const text = written(name);
  const id =
    tokens(text ?? '')
      .map((part) => part.split('.')[0])
      .find((part) => /^AWS::Lambda::(Function|Alias|Version)$/.test(template.Resources?.[part]?.Type ?? '')) ??
    text?.split(':').flatMap((part) => named(part, 'AWS::Lambda::Function', 'FunctionName', template) ?? [])[0];
  const found = template.Resources?.[id ?? ''];
  return found === undefined || found.Type === 'AWS::Lambda::Function' ? found : functionOf(found.Properties?.FunctionName, template);
}

/** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: six times the timeout plus the batch window; 5 receives. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- properties of a template
function mappingProblems(resource: string, mapping: Record<string, any>, template: Template): Problem[] {
  const queue = template.Resources?.[queueOf(mapping.EventSourceArn, template) ?? ''];
  const handler = functionOf(mapping.FunctionName, template);
  if (queue === undefined || handler === undefined) {
    return [];
  }
  const problems: Problem[] = [];
  const timeout = numeric(handler.Properties?.Timeout ?? DEFAULT_FUNCTION_TIMEOUT);
  const visibility = numeric(queue.Properties?.VisibilityTimeout ?? DEFAULT_VISIBILITY);
  const needed = 6 * (timeout ?? 0) + (numeric(mapping.MaximumBatchingWindowInSeconds) ?? 0);
  if (timeout !== undefined && visibility !== undefined && visibility < needed) {
    problems.push({
      resource,
      problem: `the queue hides messages for ${visibility} s, needed are ${needed} s (6 x the function's ${timeout} s plus the batch window): others would process them twice`,
    });
  }
  const receives = numeric(queue.Properties?.RedrivePolicy?.maxReceiveCount);
  if (receives !== undefined && receives < 5) {
    problems.push({
      resource,
      problem: `maxReceiveCount is ${receives}: below 5, throttling alone sends good messages to the dead-letter queue`,
    });
  }
  return problems;
}
