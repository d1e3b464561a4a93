import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import type { Run } from './run';

/** Moves the clock that recorded flights are replayed by. */
export async function moveClock(run: Run, to: Date): Promise<void> {
  await setClock(run, `replay(${to.toISOString()})`);
}

/** Does something at another time of the workload clock and sets it back. */
export async function atTime(run: Run, time: Date, act: () => Promise<void>): Promise<void> {
  const { Parameter } = await run.clients.ssm.send(new GetParameterCommand({ Name: run.outputs.ClockParameter }));
  await moveClock(run, time);
  await act();
  await setClock(run, Parameter!.Value!);
}

async function setClock({ clients, outputs }: Run, Value: string): Promise<void> {
  await clients.ssm.send(new PutParameterCommand({ Name: outputs.ClockParameter, Value, Overwrite: true }));
}
