import { compareCommand, COMPARE_USAGE } from './cli/compare-command';
import { replayCommand, REPLAY_USAGE } from './cli/replay-command';

const COMMANDS = ['replay', 'compare', 'bars'] as const;

async function main(command: string | undefined, args: string[]): Promise<number> {
  switch (command) {
    case 'replay':
      return replayCommand(args, process.stdout, process.stderr);
    case 'compare':
    case 'bars':
      return compareCommand(command, args, process.stdout, process.stderr);
    default: {
      const problem = command === undefined ? 'no command is given' : `'${command}' is none of ${COMMANDS.join(', ')}`;
      console.error(`UnknownCommand: ${problem}\n\n${REPLAY_USAGE}\n\n${COMPARE_USAGE}`);
      return 2;
    }
  }
}

const [command, ...args] = process.argv.slice(2);
void main(command, args).then((code) => (process.exitCode = code));
