import { Duration } from 'aws-cdk-lib';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  Chain,
  Choice,
  Condition,
  DefinitionBody,
  DistributedMap,
  IChainable,
  JitterType,
  JsonPath,
  Parallel,
  Pass,
  StateMachineType,
  Succeed,
  TaskInput,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { SPLIT_SECONDS, SPLIT_STEP } from './contract';

/** The file that every step is called with: where it lies, its size and the attempt. */
const FILE = { file: JsonPath.objectAt('$.file') };
const RANGES = JsonPath.objectAt('$.plan.ranges');

const [SCAN, WRITE] = ['Scan', 'Write'];
/** Names of the states that start an execution for each range, which carry them too. @internal */
export const ROUNDS = [SCAN, WRITE];

/**
 * How a file is split: plan, then its digest beside two rounds over its ranges, then the merge. A state holds the file, the numbers of its
 * ranges and the digest, a few kilobytes at most; everything else lies in Amazon S3, because a state takes 256 KiB
 * (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). The ranges of a round run as executions of their own, so the
 * history of this one stays far below its 25,000 events.
 *
 * @internal
 */
export function splittingStates(scope: Construct, fn: IFunction, maxConcurrency: number): DefinitionBody {
  const done = new Succeed(scope, 'Done');
  const plan = step(scope, 'Plan', fn, { step: SPLIT_STEP.plan, ...FILE }, '$.plan');
  const ranges = new Parallel(scope, 'Ranges', {
    resultSelector: { 'sha256.$': '$[0].sha256', 'outcome.$': '$[1].ordered.outcome' },
    resultPath: '$.judged',
  });
  ranges.branch(step(scope, 'Digest', fn, { step: SPLIT_STEP.digest, ...FILE }), rounds(scope, fn, maxConcurrency));
  const sha256 = JsonPath.stringAt('$.judged.sha256');
  const merge = step(scope, 'Merge', fn, { step: SPLIT_STEP.merge, ...FILE, ranges: RANGES, sha256 }, '$.merged');
  const ordered = new Choice(scope, 'Ranges written?').when(Condition.stringEquals('$.judged.outcome', 'ordered'), merge.next(done));
  const planned = new Choice(scope, 'Can be split?').when(
    Condition.stringEquals('$.plan.outcome', 'planned'),
    ranges.next(ordered.otherwise(done)),
  );
  const start = new Pass(scope, 'Start', { parameters: { file: JsonPath.objectAt('$') } });
  return DefinitionBody.fromChainable(Chain.start(start).next(plan).next(planned.otherwise(done)));
}

/** Each range counts its records and finds its keys; then it is known where they stand and which are duplicates, and each range writes. */
function rounds(scope: Construct, fn: IFunction, maxConcurrency: number): IChainable {
  const scan = round(scope, SCAN, fn, SPLIT_STEP.scan, maxConcurrency);
  const order = step(scope, 'Order', fn, { step: SPLIT_STEP.order, ...FILE, ranges: RANGES }, '$.ordered');
  const write = round(scope, WRITE, fn, SPLIT_STEP.write, maxConcurrency);
  const not = new Pass(scope, 'Not written');
  const which = new Choice(scope, 'Keys compared?').when(Condition.stringEquals('$.ordered.outcome', 'ordered'), write).otherwise(not);
  return scan.next(order).next(which);
}

/** One step for each range. A range that fails for good fails the file: no failure is tolerated. */
function round(scope: Construct, id: string, fn: IFunction, what: string, maxConcurrency: number): DistributedMap {
  const map = new DistributedMap(scope, id, {
    label: id,
    itemsPath: '$.plan.ranges',
    itemSelector: { range: JsonPath.numberAt('$$.Map.Item.Value'), ...FILE },
    maxConcurrency,
    mapExecutionType: StateMachineType.STANDARD,
    resultPath: JsonPath.DISCARD,
  });
  return map.itemProcessor(step(scope, `${id} range`, fn, { step: what, ...FILE, range: JsonPath.numberAt('$.range') }));
}

/** Every step may be repeated: it writes the same bytes again, and only one commit counts. Jitter keeps throttled ranges apart. */
function step(scope: Construct, id: string, fn: IFunction, payload: Record<string, unknown>, resultPath?: string): LambdaInvoke {
  const invoke = new LambdaInvoke(scope, id, {
    lambdaFunction: fn,
    payloadResponseOnly: true,
    payload: TaskInput.fromObject(payload),
    resultPath,
    retryOnServiceExceptions: false,
    taskTimeout: Timeout.duration(Duration.seconds(SPLIT_SECONDS.functionTimeout + 30)),
  });
  const spread = { interval: Duration.seconds(2), backoffRate: 2, maxDelay: Duration.seconds(60), jitterStrategy: JitterType.FULL };
  invoke.addRetry({ errors: ['Lambda.TooManyRequestsException'], maxAttempts: 12, ...spread });
  invoke.addRetry({ errors: ['States.ALL'], maxAttempts: 4, ...spread });
  return invoke;
}
