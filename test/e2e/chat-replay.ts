// `npm run chat:verify`: runs `npm run chat` in a short form and holds what it wrote against the recorded requests and the config [A1, A3, L3].
// Last line: `N passed, N failed`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conversations } from '../../examples/chat/traffic';
import type { Minute, Story } from '../../local/chat/timeline';
import { run } from './programs';

const MINUTES = 2;
const FACTOR = 20;
const MOST = 16;
const LIMIT_SECONDS = 900;
/** https://docs.aws.amazon.com/sagemaker/latest/dg/deploy-model-options.html */
const STREAM_SECONDS = 480;

interface Written {
  readonly story: Story;
  readonly minutes: Minute[];
}

/** What must hold of a run, by what it says. */
function checks({ story, minutes }: Written, picture: string): Record<string, boolean> {
  const sent = conversations().filter(({ at }) => at < MINUTES * 60).length;
  const replayed = minutes.filter(({ minute }) => minute <= MINUTES + 1);
  const sum = (value: (minute: Minute) => number) => replayed.reduce((all, minute) => all + value(minute), 0);
  const failed = ({ failures }: Minute) => Object.values(failures).reduce((all, count) => all + count, 0);
  const { scaledOut, scaledIn, zero, back, mostCopies } = story;
  const order = [scaledOut, scaledIn, zero, back];
  const asleep = minutes.filter(({ minute }) => zero !== undefined && back !== undefined && minute > zero && minute < back - 1);
  return {
    'every recorded request was sent, and none twice': sum(({ requests }) => requests) === sent,
    'what was not answered was refused by a full queue, and a quarter at least was answered':
      replayed.every(({ failures }) => Object.keys(failures).every((name) => name === 'queue full')) && sum(failed) < sent * 0.75,
    'no answer took longer than a stream may': minutes.every(({ answerP99 = 0 }) => answerP99 < STREAM_SECONDS * 1.05),
    'copies came, went, were gone with their instances, and came back, in that order': order.every(
      (when, i) => when !== undefined && (i === 0 || when > order[i - 1]!),
    ),
    'there were never more than the config allows':
      mostCopies > 1 && mostCopies <= MOST && minutes.every(({ instances }) => instances <= MOST),
    'the last copy went 15 minutes after the last request at the earliest': (scaledIn ?? 0) > MINUTES + 14,
    'the instances went 10 minutes after the copies at the earliest': (zero ?? 0) - (scaledIn ?? 0) > 9.5,
    'without copies every request failed, and for want of a copy': asleep.every(
      (minute) => failed(minute) === minute.requests && Object.keys(minute.failures).every((name) => name === 'no copy'),
    ),
    'it came back after the 258 seconds that instance and copy take, and within 15 minutes':
      (back ?? 0) - (zero ?? 0) > 258 / 60 && (back ?? 0) - (zero ?? 0) < 15,
    'the picture has its lines': (picture.match(/<path /g) ?? []).length === 10,
  };
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'chat-replay-'));
  try {
    const options = ['--minutes', String(MINUTES), '--factor', String(FACTOR), '--output', folder];
    const ended = await run('npm', ['run', '--silent', 'chat', '--', ...options], LIMIT_SECONDS);
    console.log(ended.output);
    if (ended.code !== 0) {
      throw new Error(`npm run chat ended with ${ended.code}`);
    }
    const written = JSON.parse(readFileSync(join(folder, 'timeline.json'), 'utf8')) as Written;
    const found = Object.entries(checks(written, readFileSync(join(folder, 'timeline.svg'), 'utf8')));
    found.forEach(([what, holds]) => console.log(`${holds ? 'ok' : 'FAILED'}: ${what}`));
    const failed = found.filter(([, holds]) => !holds).length;
    console.log(`${found.length - failed} passed, ${failed} failed`);
    process.exitCode = failed === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
});
