import { Duration, Lazy, Token } from 'aws-cdk-lib';
import { Slo } from '../../../lib/constructs/serving';

const latency = (percentile: number, milliseconds = 500, availabilityPercent?: number) =>
  Slo.latency({ percentile, below: Duration.millis(milliseconds), availabilityPercent })._problems();

describe('Slo', () => {
  test('has an availability of 99.5 % unless told otherwise, and its error budget', () => {
    expect(Slo.latency({ percentile: 99, below: Duration.seconds(1) }).availabilityPercent).toBe(99.5);
    expect(Slo.availability(99.9)._errorBudget).toBe(0.001);
    expect(Slo.availability(99.9).latencyBelow).toBeUndefined();
  });

  test.each([50, 99, 99.9])('takes the percentile %d', (percentile) => {
    expect(latency(percentile)).toEqual([]);
  });

  test.each([
    [49.9, 500, 99, "'slo.percentile' must be between 50 and 99.9, got 49.9"],
    [100, 500, 99, "'slo.percentile' must be between 50 and 99.9, got 100"],
    [99.85, 500, 99, "'slo.percentile' must have at most one decimal, got 99.85"],
    [99, 60_001, 99, "'slo.below' must be between 1 ms and 60 s, the time-out of a real-time invocation, got 60001 ms"],
    [99, 0, 99, "'slo.below' must be between 1 ms and 60 s, the time-out of a real-time invocation, got 0 ms"],
    [99, 500, 49.9, "'slo.availabilityPercent' must be between 50 and 99.999, got 49.9"],
    [99, 500, 100, "'slo.availabilityPercent' must be between 50 and 99.999, got 100"],
  ])('fails on p%d below %d ms at %d %%', (percentile, milliseconds, availability, message) => {
    expect(latency(percentile, milliseconds, availability)).toEqual([message]);
  });

  test('takes 1 ms and 60 s', () => {
    expect([...latency(99, 1), ...latency(99, 60_000)]).toEqual([]);
  });

  test('fails on a Token: thresholds are computed from it', () => {
    const token = Token.asNumber(Lazy.any({ produce: () => 99 }));
    expect(latency(token)).toEqual(["'slo.percentile' must be known at synth, got a Token: give a plain value"]);
  });
});
