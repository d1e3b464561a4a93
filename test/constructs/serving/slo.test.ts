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

  test('takes every percentile from 50 to 99.9 with one decimal', () => {
    const wrong = Array.from({ length: 500 }, (_, i) => (500 + i) / 10).filter((percentile) => latency(percentile).length > 0);
    expect(wrong).toEqual([]);
  });

  test.each([50, 99.999])('takes an availability of %d %%', (percent) => {
    expect(Slo.availability(percent)._problems()).toEqual([]);
  });

  test.each([
    [49.9, 500, 99, "'slo.percentile' must be between 50 and 99.9, got 49.9"],
    [100, 500, 99, "'slo.percentile' must be between 50 and 99.9, got 100"],
    [99.85, 500, 99, "'slo.percentile' must have at most one decimal, got 99.85"],
    [99, 60_001, 99, "'slo.below' must be between 1 ms and 60 s, the time-out of a real-time invocation, got 60001 ms"],
    [99, 0, 99, "'slo.below' must be between 1 ms and 60 s, the time-out of a real-time invocation, got 0 ms"],
    [99, 0.5, 99, "'slo.below' must be between 1 ms and 60 s, the time-out of a real-time invocation, got 0.5 ms"],
    [99, 1.5, 99, "'slo.below, in milliseconds,' must be a whole number, got 1.5"],
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
    const unknown = (name: string) => [`'slo.${name}' must be known at synth, got a Token: give a plain value`];
    expect(latency(token)).toEqual(unknown('percentile'));
    expect(latency(99, 500, token)).toEqual(unknown('availabilityPercent'));
    expect(latency(99, token)).toEqual(unknown('below'));
  });
});
