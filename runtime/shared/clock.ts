import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';

/**
 * The workload clock: real time, or the moment that a replay of recorded data has reached.
 *
 * The value of the parameter named by `WORKLOAD_CLOCK_PARAMETER` is `real` or `replay(<ISO 8601 time>)`. It is read at each call, because a
 * replay moves it at any moment. Without the variable the clock is real: production stages have no such parameter.
 */
export interface Clock {
  now(): Promise<Date>;
}

export const REAL_CLOCK: Clock = { now: () => Promise.resolve(new Date()) };

/** Errors: a parameter value of another form, because predictions dated by a guess would be wrong for good. */
export function parseClock(value: string, real: Date): Date {
  if (value === 'real') {
    return real;
  }
  const moment = /^replay\((.+)\)$/.exec(value)?.[1];
  const date = new Date(moment ?? Number.NaN);
  if (Number.isNaN(date.getTime())) {
    throw new Error(
      `InvalidClock: '${value}' is neither 'real' nor 'replay(<ISO 8601 time>)': set the workload clock parameter to one of them`,
    );
  }
  return date;
}

export function clockFrom(env: NodeJS.ProcessEnv, ssm: () => SSMClient = () => new SSMClient({})): Clock {
  const name = env.WORKLOAD_CLOCK_PARAMETER;
  if (name === undefined) {
    return REAL_CLOCK;
  }
  const client = ssm();
  return {
    now: async () => {
      const { Parameter } = await client.send(new GetParameterCommand({ Name: name }));
      return parseClock(Parameter?.Value ?? '', new Date());
    },
  };
}
