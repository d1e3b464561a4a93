import Table from 'cli-table3';
import { CapacityFile, meanTokens } from './capacity-file';
import { CONFIRMATION, rounded, StepKind } from './search';
import { lateLimit, lengthOf, Objective, openLimit, StatedTokens, StepResult } from './step';

export interface ToldStep {
  readonly kind: StepKind;
  readonly result: StepResult;
}

const ms = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));
const perSecond = (rate: number): string => (rate < 10 ? rate.toPrecision(2) : rate.toFixed(0));
const failuresOf = ({ failures }: StepResult): string =>
  Object.entries(failures)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ') || '0';
const verdictOf = ({ verdict, why }: StepResult): string =>
  verdict === 'held' ? 'held' : `${verdict === 'generator' ? 'void' : 'not held'}: ${why}`;

/** One line for a step that has ended. */
export function stepLine({ kind, result }: ToldStep, percentile: number): string {
  const { rate, offered, achieved, answers, p50Ms, percentileMs, seconds } = result;
  return (
    `${kind === 'confirmation' ? 'confirm' : 'step   '} ${rate}/s: offered ${perSecond(offered)}/s, served ${perSecond(achieved)}/s, ${answers} answers in ` +
    `${seconds.toFixed(0)} s, p50 ${ms(p50Ms)} ms, p${percentile} ${ms(percentileMs)} ms, failed ${failuresOf(result)}: ${verdictOf(result)}`
  );
}

export function stepTable(steps: readonly ToldStep[], percentile: number): string {
  const head = ['rate/s', 'offered', 'served', 'answers', 's', 'p50 ms', `p${percentile} ms`, 'failed', 'verdict'];
  const table = new Table({
    head,
    style: { head: [], border: [] },
    wordWrap: true,
    colWidths: [...head.slice(0, 7).map(() => null), 22, 36],
  });
  for (const { kind, result } of steps) {
    const { rate, offered, achieved, answers, seconds, p50Ms, percentileMs } = result;
    const verdict = `${kind === 'confirmation' ? 'confirmation: ' : ''}${verdictOf(result)}`;
    table.push([
      rate,
      perSecond(offered),
      perSecond(achieved),
      answers,
      seconds.toFixed(0),
      ms(p50Ms),
      ms(percentileMs),
      failuresOf(result),
      verdict,
    ]);
  }
  return table.toString();
}

/** The mean tokens of the confirmation, or why there is none; nothing where no answer states them. */
export function tokenLines(tokens: StatedTokens | undefined, { tokensPerRequest }: CapacityFile): string[] {
  if (tokens === undefined) {
    return [];
  }
  const { stating, served } = tokens;
  const mean = meanTokens(tokens);
  if (mean !== undefined) {
    return [`A request had ${mean} tokens on average, prompt and answer together.`];
  }
  const left = tokensPerRequest === undefined ? 'the file states no tokensPerRequest' : 'the tokensPerRequest of the file was not checked';
  return [`${stating} of ${served} answers state their tokens (usage), and the others do not, so ${left}.`];
}

/** What will be done, before it is done. */
export function planText(objective: Objective, rate: number, arrivals: string): string {
  const { percentile, belowMs, availabilityPercent } = objective;
  const { count, runIn, seconds } = lengthOf(objective, rate);
  return (
    `objective: p${percentile} below ${belowMs} ms and ${availabilityPercent} % served; arrivals: ${arrivals}\n` +
    `a step at ${rounded(rate)}/s has ${count} requests in ${seconds.toFixed(0)} s, of which the first ${runIn} are not counted; the confirmation is ${CONFIRMATION} times as long\n` +
    `not held: also with ${openLimit(objective, rate)} requests open at that rate; void: the generator itself late by more than ${lateLimit(objective)} ms`
  );
}
