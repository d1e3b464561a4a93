import { compareCommand, COMPARE_USAGE } from './cli/compare-command';
import { planCommand, PLAN_USAGE } from './cli/plan-command';
import { replayCommand, REPLAY_USAGE } from './cli/replay-command';
import { FleetPlan } from './plan/plans';
import { explainTo } from './plan/timeline';

const COMMANDS = ['replay', 'plan', 'compare', 'bars'] as const;

async function main(command: string | undefined, args: string[]): Promise<number> {
  switch (command) {
    case 'replay':
      return replayCommand(args, process.stdout, process.stderr);
    case 'plan':
      return plan(args);
    case 'compare':
    case 'bars':
      return compareCommand(command, args, process.stdout, process.stderr);
    default: {
      const problem = command === undefined ? 'no command is given' : `'${command}' is none of ${COMMANDS.join(', ')}`;
      console.error(`UnknownCommand: ${problem}\n\n${REPLAY_USAGE}\n\n${PLAN_USAGE}\n\n${COMPARE_USAGE}`);
      return 2;
    }
  }
}

async function plan(args: string[]): Promise<number> {
  let drawing: readonly [file: string, plan: FleetPlan] | undefined;
  const code = planCommand(args, process.stdout, process.stderr, (...what) => (drawing = what));
  if (drawing !== undefined) {
    await explainTo(...drawing);
  }
  return code;
}

const [command, ...args] = process.argv.slice(2);
main(command, args).then(
  (code) => (process.exitCode = code),
  (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
);
