import { replayCommand } from './cli/replay-command';

const USAGE = `Usage: npm run capacity -- replay --help`;
const [command, ...args] = process.argv.slice(2);

if (command !== 'replay') {
  console.error(`UnknownCommand: ${command === undefined ? 'no command is given' : `'${command}' is none`}\n\n${USAGE}`);
  process.exitCode = 2;
} else {
  process.exitCode = replayCommand(args, process.stdout, process.stderr);
}
