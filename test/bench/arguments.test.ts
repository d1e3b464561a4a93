import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { chosenIn, roundsIn } from '../../bench/arguments';

const ROOT = resolve(__dirname, '../..');

describe('what a measurement is told', () => {
  test.each([
    [undefined, 5],
    ['1', 1],
    ['12', 12],
  ])('%s rounds are %d', (given, rounds) => expect(roundsIn(given, 5)).toBe(rounds));

  test.each(['0', '-1', '1.5', 'pandera', '', 'NaN'])("fails on '%s' rounds: a median of none is no figure", (given) => {
    expect(() => roundsIn(given, 5)).toThrow(
      `InvalidRounds: rounds must be a whole number, at least 1, got '${given}': give it first, or leave it out for 5`,
    );
  });

  const ALL: [string, number][] = [
    ['intake, year', 1],
    ['pandera, year', 2],
  ];

  test.each([
    [undefined, [1, 2]],
    ['', [1, 2]],
    ['year', [1, 2]],
    ['pandera', [2]],
  ])('of the names, %s picks those that contain it', (given, picked) => {
    expect(chosenIn(ALL, given).map(([, number]) => number)).toEqual(picked);
  });

  test('fails when it picks none, and names the choices', () => {
    expect(() => chosenIn(ALL, 'panda')).toThrow(
      "NothingToMeasure: no name contains 'panda': take a part of one of these, or leave it out for all:\n  intake, year\n  pandera, year",
    );
  });

  test.each([
    ['bench/intake.ts', ['5', 'panda'], /NothingToMeasure: no name contains 'panda'.*\n {2}intake, year\n/],
    ['bench/intake.ts', ['none'], /InvalidRounds: .* got 'none'/],
    ['bench/synth.ts', ['blueprints'], /NothingToMeasure: .*\n {2}blueprint\n {2}endpoints\n/],
    ['bench/handlers.ts', ['0'], /InvalidRounds: .* got '0'/],
  ])('%s ends with an error for %j, before it does anything', (program, given, message) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', join(ROOT, program), ...given], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('preparing');
  });
});
