import { ArnFormat, Duration, Size, Stack } from 'aws-cdk-lib';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { acknowledgeResource, withoutPolicyFindings } from '../../shared/acknowledgements';
import { handlerFunction } from '../../shared/handler-function';
import { physicalName } from '../../shared/names';
import { acknowledgeSteps, tracedMachine } from '../../shared/state-machine';
import { DATA_ENV } from '../contract';
import { SPLIT_PARTS, SPLIT_SCRATCH_MEBIBYTES, SPLIT_SECONDS } from './contract';
import type { DataContract } from '../data-contract/data-contract';
import { allow, allowRead, allowWrite } from '../grants';
import { grantJudging, IntakeParts, judgingEnvironment } from './data-intake-functions';
import { ROUNDS, splittingStates } from './data-intake-splitting-states';
import { ValidatedFormat } from './validated-format';

/** @internal */
export interface SplittingProps {
  /** Larger files are split. */
  readonly above: Size;
  /** Ranges of one file that are judged at the same time. */
  readonly maxConcurrency: number;
  readonly memory: Size;
  /** Hands large files over. */
  readonly validator: Lambda;
}

/** A range is read in a few seconds, and a file just above the limit still has four. */
const LARGEST_RANGE = Size.mebibytes(64);
const LEAST_RANGES = 4;

/** Why files under a contract cannot be split, each with what to do. @internal */
export function splittingProblems(contract: DataContract, validatedFormat?: ValidatedFormat): string[] {
  const { format, newlinesQuoted } = contract._rules;
  const quoted = format === 'csv' && newlinesQuoted !== false;
  const parquet = validatedFormat === ValidatedFormat.PARQUET;
  return [
    ...(parquet ? ['ranges are not written as Parquet: leave validatedFormat as received, or send files in parts'] : []),
    ...(quoted ? ['a quoted field may hold a newline: let the contract say that none does (newlinesQuoted: false)'] : []),
    ...contract._needsWholeFile.map((place) => `rule '${place}' needs the whole file: take it out of the contract, or send files in parts`),
  ];
}

/**
 * Validates files that are too large for one function: a state machine cuts them into ranges, judges these side by side and merges what they
 * wrote, with one commit.
 *
 * Ranges run as Standard executions. An Express one would be cheaper but ends after 5 minutes
 * (https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html), too early for a range that waits while AWS Lambda
 * throttles; a Standard one costs less than a hundredth of a cent per range.
 *
 * @internal
 */
export function createSplitting(parts: IntakeParts, props: SplittingProps): StateMachine {
  const { scope, intakeName, contract } = parts;
  const splitter = createSplitter(parts, props);
  const machine = tracedMachine(scope, 'Splitting', 'SplittingLogs', {
    stateMachineName: physicalName([intakeName, 'splitting'], 80),
    comment: `Validates large files of ${contract.dataset} in ranges`,
    definitionBody: splittingStates(scope, splitter, props.maxConcurrency),
    timeout: Duration.seconds(SPLIT_SECONDS.execution),
  });
  acknowledgeSteps(machine, splitter);
  ['', ...ROUNDS.map((round) => `/${round}`)].forEach((round) =>
    acknowledgeResource(machine, executionsOf(machine, round), 'the machine stops and describes what it starts for each range itself'),
  );
  allow(props.validator, ['states:StartExecution'], machine.stateMachineArn);
  props.validator.addEnvironment(DATA_ENV.splitMachine, machine.stateMachineArn);
  props.validator.addEnvironment(DATA_ENV.splitAbove, String(props.above.toBytes()));
  return machine;
}

/** The ARN as the framework writes it: the machine's name is taken from its ARN. */
function executionsOf(machine: StateMachine, round: string): string {
  const [stack, arnFormat] = [Stack.of(machine), ArnFormat.COLON_RESOURCE_NAME];
  const name = stack.splitArn(machine.stateMachineArn, arnFormat).resourceName!;
  return stack.formatArn({ service: 'states', resource: 'execution', resourceName: `${name}${round}:*`, arnFormat });
}

/** The steps of the machine: one function, because each of them is the same code with the same rights on the same file. */
function createSplitter(parts: IntakeParts, { above, memory }: SplittingProps): Lambda {
  const { scope, contract } = parts;
  const splitter = handlerFunction(scope, 'Splitter', {
    handler: 'intake-split',
    description: `Validates ranges of large files of ${contract.dataset} against contract ${contract.version}`,
    timeout: Duration.seconds(SPLIT_SECONDS.functionTimeout),
    memory,
    ephemeralStorage: Size.mebibytes(SPLIT_SCRATCH_MEBIBYTES),
    environment: { ...judgingEnvironment(parts), [DATA_ENV.rangeBytes]: String(rangeBytesOf(above)) },
  });
  grantJudging(parts, splitter);
  grantParts(parts, splitter);
  withoutPolicyFindings(splitter);
  return splitter;
}

/** Bytes of a range. @internal */
export const rangeBytesOf = (above: Size): number => Math.min(LARGEST_RANGE.toBytes(), Math.ceil(above.toBytes() / LEAST_RANGES));

/** Lets a function leave and take what the steps of splitting have for each other. @internal */
export function grantParts({ zones, contract }: IntakeParts, judge: Lambda): void {
  const own = `${SPLIT_PARTS}/${contract.dataset}/*`;
  allowRead(judge, zones.validated, own);
  allowWrite(judge, zones.validated, own);
  acknowledgeResource(judge, zones.validated.arnForObjects(own), 'what steps leave for each other is named after the attempt');
}
