import { HELP, parseOptions } from '../../../local/start/options';

describe('npm start options', () => {
  test('have the defaults that the example figures are stated for', () => {
    expect(parseOptions([])).toEqual({ keep: false, months: [1, 3], seed: 1, config: 'config/dev.yaml', port: undefined });
  });

  test('take a range', () => {
    expect(parseOptions(['--months', '2-4'])?.months).toEqual([2, 4]);
    expect(parseOptions(['--months', '7-9', '--keep', '--seed', '7', '--port', '14566'])).toMatchObject({
      months: [7, 9],
      keep: true,
      seed: 7,
      port: 14566,
    });
  });

  test('only show the help when it is asked for', () => {
    expect(parseOptions(['--help'])).toBeUndefined();
    expect(HELP).toContain('--keep');
  });

  test.each([
    [['--months', '0-3'], "--months must be a whole number from 1 to 12, got '0'"],
    [['--months', '1-13'], "--months must be a whole number from 1 to 12, got '13'"],
    [['--months', '3-1'], "--months must be A-B with A not after B, got '3-1'"],
    [['--months', '2'], "--months must have at least 3 months, to train, validate and test, and end by 9, because 3 more arrive; got '2'"],
    [['--months', '1-10'], "end by 9, because 3 more arrive; got '1-10'"],
    [['--months', 'x'], "--months must be a whole number from 1 to 12, got 'x'"],
    [['--seed', '-1'], 'InvalidOption'],
    [['--seed', '1.5'], "--seed must be a whole number from 0 to 2147483647, got '1.5'"],
    [['--port', '80'], "--port must be a whole number from 1024 to 65535, got '80'"],
    [['--endpoint', 'https://example.com'], "--endpoint 'https://example.com' is refused"],
    [['--kepp'], "Unknown option '--kepp'"],
    [['stray'], 'InvalidOption'],
  ])('fail on %j', (argv, message) => {
    expect(() => parseOptions(argv)).toThrow(message);
  });
});
