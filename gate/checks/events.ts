import { Template } from '../assembly';
import { Check, Problem } from '../check';
import { asList, literal, numeric, ofType, target } from '../template';
import { idIn, written } from '../text';
import { queueOf } from './queues';

/* eslint-disable @typescript-eslint/no-explicit-any -- properties of a template */

/** Event sources that are streams, by the services in their ARNs. */
const STREAM = /:(kinesis|dynamodb|kafka):/;
const STREAM_TYPES = ['AWS::Kinesis::Stream', 'AWS::Kinesis::StreamConsumer', 'AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'];

/** Events arrive: mappings say where they start and which records failed, FIFO queues get what they need, dead-letter queues let events in. */
export const events: Check = {
  name: 'events',
  run: ({ template }) => [
    ...ofType(template, 'AWS::Lambda::EventSourceMapping').flatMap(([resource, { Properties }]) =>
      mappingProblems(Properties, template).map((problem) => ({ resource, problem })),
    ),
    ...ofType(template, 'AWS::Kinesis::Stream').flatMap(([resource, { Properties }]) => streamProblems(resource, Properties)),
    ...ofType(template, 'AWS::Events::Rule').flatMap(([resource, { Properties }]) =>
      asList<any>(Properties.Targets).flatMap((one) => targetProblems(resource, one, template).map((problem) => ({ resource, problem }))),
    ),
  ],
};

/** https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html and lambda/latest/dg/services-sqs-errorhandling.html */
function mappingProblems(mapping: Record<string, any>, template: Template): string[] {
  const arn = written(mapping.EventSourceArn) ?? '';
  const source = template.Resources?.[idIn(arn) ?? '']?.Type ?? '';
  const problems: string[] = [];
  if ((STREAM_TYPES.includes(source) || STREAM.test(arn)) && mapping.StartingPosition === undefined) {
    problems.push('a mapping of a stream has no StartingPosition, which AWS Lambda refuses: say TRIM_HORIZON, LATEST or AT_TIMESTAMP');
  }
  const batch = numeric(mapping.BatchSize ?? 10);
  const window = numeric(mapping.MaximumBatchingWindowInSeconds ?? 0);
  if (queueOf(mapping.EventSourceArn, template) !== undefined && batch !== undefined) {
    if (batch > 10 && window === 0) {
      problems.push(`BatchSize is ${batch} without a window, which AWS Lambda refuses: set MaximumBatchingWindowInSeconds to 1 or more`);
    }
    if (batch > 1 && !asList(mapping.FunctionResponseTypes).includes('ReportBatchItemFailures')) {
      problems.push(
        `one bad message lets all ${batch} of its batch be delivered again: set FunctionResponseTypes to ReportBatchItemFailures, or BatchSize to 1`,
      );
    }
  }
  return problems;
}

function streamProblems(resource: string, stream: Record<string, any>): Problem[] {
  return literal(stream.StreamModeDetails?.StreamMode) === 'ON_DEMAND' && stream.ShardCount !== undefined
    ? [{ resource, problem: 'a stream on demand takes no ShardCount: leave one of the two out' }]
    : [];
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html */
function targetProblems(rule: string, one: Record<string, any>, template: Template): string[] {
  const queue = queueOf(one.Arn, template);
  const dead = queueOf(one.DeadLetterConfig?.Arn, template);
  const fifo = (id: string | undefined) => String(literal(template.Resources?.[id ?? '']?.Properties?.FifoQueue)) === 'true';
  const problems: string[] = [];
  if (fifo(queue) && one.SqsParameters?.MessageGroupId === undefined) {
    problems.push('its target is a FIFO queue, which takes no message without a group: set SqsParameters.MessageGroupId');
  }
  if (fifo(dead)) {
    problems.push('its dead-letter queue is a FIFO queue, which Amazon EventBridge does not send to: take a standard one');
  }
  for (const [what, id] of [
    ['target', queue],
    ['dead-letter queue', dead],
  ]) {
    if (id !== undefined && !letsIn(id, rule, template)) {
      problems.push(
        `no policy lets this rule send to its ${what} '${id}': allow sqs:SendMessage to events.amazonaws.com with the ARN of the rule as aws:SourceArn`,
      );
    }
  }
  return problems;
}

function letsIn(queue: string, rule: string, template: Template): boolean {
  return ofType(template, 'AWS::SQS::QueuePolicy')
    .filter(([, { Properties }]) => asList(Properties.Queues).some((one) => target(one) === queue))
    .flatMap(([, { Properties }]) => asList<any>(Properties.PolicyDocument?.Statement))
    .some(
      ({ Effect, Principal, Action, Condition }) =>
        Effect === 'Allow' &&
        (Principal === '*' || asList(Principal?.Service).includes('events.amazonaws.com')) &&
        asList(Action).some((action) => /^sqs:(SendMessage|\*)$/i.test(String(action))) &&
        sourceIs(Condition, rule),
    );
}

/** No condition on the sender, or one that names the rule; what is known only at deployment may be it. */
function sourceIs(condition: Record<string, Record<string, any>> | undefined, rule: string): boolean {
  const sources = Object.values(condition ?? {}).flatMap((values) =>
    Object.entries(values).flatMap(([key, value]) => (key.toLowerCase() === 'aws:sourcearn' ? asList(value) : [])),
  );
  return sources.length === 0 || sources.some((arn) => target(arn) === rule || (target(arn) === undefined && written(arn) !== undefined));
}
