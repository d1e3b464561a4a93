import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Table from 'cli-table3';
import { PROMISED_SECONDS } from '../../examples/chat/traffic';
import { loadCoverage } from '../coverage';
import type { Sample } from './observer';
import { picture } from './picture';
import type { Answer } from './replay';
import { Minute, percentile, story, timeline } from './timeline';

const seconds = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(1));
const minuteOf = (value: number | undefined): string => (value === undefined ? 'never' : `minute ${value.toFixed(1)}`);

/** Writes timeline.svg and timeline.json, and prints the table. Returns what did not happen: nothing, when the run showed what it is for. */
export function report(answers: readonly Answer[], samples: readonly Sample[], factor: number, folder: string): string[] {
  const minutes = timeline(answers, samples);
  mkdirSync(folder, { recursive: true });
  const title = 'Recorded chat traffic on a stand-in for Qwen3-8B, one L4 per copy (local account)';
  writeFileSync(join(folder, 'timeline.svg'), picture(minutes, title));
  writeFileSync(join(folder, 'timeline.json'), `${JSON.stringify({ clockFactor: factor, story: story(samples), minutes }, null, 1)}\n`);
  console.log(`\n${tableOf(minutes)}`);
  console.log(`\n${summary(answers, samples)}`);
  const { note } = loadCoverage().behaviours.find(({ name }) => name === 'Servers of language models')!;
  console.log(`\nModelled, not real. ${note} All times are those of the platform clock, ${factor} times faster than real time.`);
  console.log(`\nPicture: ${join(folder, 'timeline.svg')}`);
  return missing(samples);
}

function missing(samples: readonly Sample[]): string[] {
  const { scaledOut, scaledIn, zero, back } = story(samples);
  const wanted = { 'scaled out': scaledOut, 'scaled in': scaledIn, 'rested at zero': zero, 'came back': back };
  return Object.entries(wanted).flatMap(([what, when]) => (when === undefined ? [what] : []));
}

function summary(answers: readonly Answer[], samples: readonly Sample[]): string {
  const { copiesAtFirst, mostCopies, scaledOut, scaledIn, zero, back } = story(samples);
  const whole = answers.filter(({ failure }) => failure === undefined);
  const of = (value: (answer: Answer) => number, p: number) => seconds(percentile(whole.map(value), p));
  const failures: Record<string, number> = {};
  answers.forEach(({ failure }) => failure !== undefined && (failures[failure] = (failures[failure] ?? 0) + 1));
  const failed = Object.entries(failures).map(([name, count]) => `${count} ${name}`);
  const prompt = answers.filter(({ first, sent }) => first !== undefined && first - sent <= PROMISED_SECONDS).length;
  const times = (value: (answer: Answer) => number) => `p50 ${of(value, 50)} s, p99 ${of(value, 99)} s`;
  return [
    `Requests: ${answers.length} sent, ${whole.length} answered, failed: ${failed.join(', ') || 'none'}.`,
    `First token ${times((one) => one.first! - one.sent)}; whole answer ${times((one) => one.ended - one.sent)}.`,
    `First token within ${PROMISED_SECONDS} s: ${prompt}.`,
    `The generator itself was late by ${seconds(
      percentile(
        answers.map(({ late }) => late),
        50,
      ),
    )} s (p50) and ${seconds(
      percentile(
        answers.map(({ late }) => late),
        99,
      ),
    )} s (p99), which is in these times.`,
    `Copies: ${copiesAtFirst} at first; out in ${minuteOf(scaledOut)}, at most ${mostCopies}; in from ${minuteOf(scaledIn)}; neither copy nor instance in ${minuteOf(zero)}; back in ${minuteOf(back)}.`,
  ].join('\n');
}

function tableOf(minutes: readonly Minute[]): string {
  const head = [
    'minute',
    'requests',
    'open',
    'copies',
    'wanted',
    'instances',
    'first p50',
    'first p99',
    'answer p50',
    'answer p99',
    'failed',
  ];
  const table = new Table({ head, style: { head: [], border: [] }, chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' } });
  minutes
    .filter((one, i) => !sameAsBefore(one, minutes[i - 1]) || !sameAsBefore(minutes[i + 1], one))
    .forEach((one) => {
      const failed = Object.entries(one.failures).map(([name, count]) => `${count} ${name}`);
      const times = [one.firstTokenP50, one.firstTokenP99, one.answerP50, one.answerP99].map(seconds);
      const counts = [one.minute, one.requests, one.concurrency.toFixed(0), one.copies, one.desiredCopies, one.instances];
      table.push([...counts, ...times, failed.join(', ')].map(String));
    });
  return table.toString();
}

/** Minutes in which nothing is asked and nothing changes are told once. */
const sameAsBefore = (one: Minute | undefined, before: Minute | undefined): boolean =>
  one !== undefined &&
  before !== undefined &&
  [one, before].every(({ requests, concurrency }) => requests === 0 && concurrency === 0) &&
  (['copies', 'desiredCopies', 'instances'] as const).every((key) => one[key] === before[key]);
