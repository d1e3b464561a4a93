import { spawn } from 'node:child_process';
import { InvokeCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { ListEndpointConfigsCommand, ListModelsCommand } from '@aws-sdk/client-sagemaker';
import { makeHandler } from '../../../runtime/release-janitor/handler';
import { Ended, ROOT } from '../programs';
import type { ReleaseWorld } from '../release-world';
import { Arena, PREFIX, Scenario } from './arena';
import type { Book } from './book';

const DAY = 24 * 3600 * 1000;
type Command = ['rollback' | 'where', ...string[]];

/** Runs a command with the environment of the account, as after `eval "$(npm run account -- env)"`. */
function run({ account }: Arena, [name, ...args]: Command): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', `operations/${name}.ts`, ...args], {
    cwd: ROOT,
    env: account.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 180_000,
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** A command as the one on call types it: with what code it must end, and what it must say. */
function says(arena: Arena, book: Book) {
  return async (command: Command, code: number, ...patterns: RegExp[]): Promise<void> => {
    const ended = await run(arena, command);
    const missing = patterns.filter((pattern) => !pattern.test(ended.output));
    book.times++;
    book.expect(
      ended.code === code && missing.length === 0,
      `npm run ${command.join(' ')} ended with ${ended.code}, not ${code}, or did not say ${missing.join(', ')}:\n${ended.output}`,
    );
  };
}

async function released(world: ReleaseWorld): Promise<string> {
  const arn = await world.register();
  await world.approve(arn);
  await world.served(arn);
  return arn;
}

/** The first two versions of the workload, and no other, the second live. */
async function firstTwo(world: ReleaseWorld): Promise<string[]> {
  while ((await world.approved()).length < 2) {
    await released(world);
  }
  return (await world.approved()).sort();
}

/** The commands of the one on call, as their users run them. */
async function commands(arena: Arena, book: Book, world: ReleaseWorld): Promise<void> {
  const say = says(arena, book);
  const file = 'flights/junk.csv';
  await world.clients.s3.send(new PutObjectCommand({ Bucket: world.outputs.RawBucket, Key: file, Body: 'no header of flights\n1\n' }));
  const [first, second] = await firstTwo(world);
  const found = [/version delay\/2/, /live +true/, /-> release release#/, /<- training run test-2/, /-> endpoint/];
  // What changes nothing is asked for at the same time: most of it is the start of the command.
  await Promise.all([
    say(['where', 'delay/2'], 0, ...found),
    say(['rollback', 'delays'], 1, /UnknownModel: .*did you mean 'delay'/),
    say(['rollback', 'delay', '--to', '7'], 1, /UnknownVersion: .*2, 1/),
  ]);
  await say(['rollback', 'delay', '--reason', 'too slow'], 0, /version 1 serves instead of 2, after \d+ s/);
  await world.quiet();
  book.same('what serves after the rollback', await world.live(), first);
  await world.marked(second, 'rolled back');
  const [row] = (await world.rows()).filter(({ entry }) => entry.startsWith('release#'));
  await Promise.all([
    say(['rollback', 'delay', '--to', '1'], 1, /AlreadyLive/),
    say(['rollback', 'delay'], 1, /NothingBelow/),
    say(['where', second], 0, /live +false/, /mark +rolled back: too slow/),
    say(['where', row.entry], 0, /state +released/, /console\.aws\.amazon\.com\/states/, /<- version delay\/1/),
    say(['where', 'no/such.csv'], 1, /NotFound/, /predictions no\/such\.csv, delay\/no\/such\.csv/, /ledgers of flights/),
    say(['where', file], 0, /^file flights\/junk\.csv$/m, /state +rejected/, /reason +\S/),
    say(['where', 'delay/1', '--json'], 0, /"kind": "version"/),
  ]);
  await say(['rollback', 'delay', '--to', '2'], 0, /version 2 serves instead of 1/);
  await world.quiet();
  book.problems.push(...(await world.problems(second)));
}

/** How many endpoint configurations and models there are. */
async function counted({ clients: { sageMaker } }: ReleaseWorld): Promise<[number, number]> {
  const { EndpointConfigs = [] } = await sageMaker.send(new ListEndpointConfigsCommand({}));
  const { Models = [] } = await sageMaker.send(new ListModelsCommand({}));
  return [EndpointConfigs.length, Models.length];
}

/** What releases left behind: the deployed function finds it too young, and a month later its core deletes all but three. */
async function janitor(arena: Arena, book: Book, world: ReleaseWorld): Promise<void> {
  const { clients } = world;
  const { Functions = [] } = await clients.lambda.send(new ListFunctionsCommand({}));
  const FunctionName = Functions.find(({ FunctionName: name }) => /ReleaseJanitor/.test(name!))!.FunctionName;
  const { Payload, FunctionError } = await clients.lambda.send(new InvokeCommand({ FunctionName, Payload: '{}' }));
  const answer = new TextDecoder().decode(Payload);
  const nothing = FunctionError === undefined && /"configurations": ?0, ?"models": ?0/.test(answer);
  book.expect(nothing, `the janitor did not find everything too young: ${answer}`);
  const live = await released(world);
  const before = await counted(world);
  book.expect(
    before.every((count) => count > 3),
    `there is nothing to delete: ${before}`,
  );
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  // The platform clock runs faster than this one, so what is old by it is a day old here in any case.
  const now = () => new Date(Date.now() + 30 * DAY * arena.account.clockFactor);
  const { sageMaker, cloudFormation: stacks } = clients;
  const report = await makeHandler({ prefix: PREFIX, sageMaker, stacks, now, logger })();
  book.same('configurations and models after the janitor', await counted(world), [3, 3]);
  book.same('what the janitor says that it deleted', [report.configurations, report.models], [before[0] - 3, before[1] - 3]);
  book.same('what serves after the janitor', await world.live(), live);
  book.times++;
}

/** They name versions by their numbers, so they come when two versions were released at most. */
export const OPERATIONS: Scenario[] = [
  {
    name: 'the one on call goes back and looks up where things come from, and what releases leave behind is cleared away',
    short: true,
    run: async (arena, book) => {
      const world = await arena.world();
      await commands(arena, book, world);
      await janitor(arena, book, world);
    },
  },
];
