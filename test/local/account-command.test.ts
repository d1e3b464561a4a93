import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const command = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'local/account.ts', ...args], { cwd: join(__dirname, '../..'), encoding: 'utf8' });

describe('npm run account -- [L1]', () => {
  test.each([
    [['up', '--bogus'], "InvalidOption: Unknown option '--bogus'"],
    [['up', '--port'], "InvalidOption: Option '--port <value>' argument missing"],
    [['frob'], "InvalidOption: give one of install, up, down, status, env, got 'frob'"],
    [['status', 'down'], "InvalidOption: give one of install, up, down, status, env, got 'status down'"],
    [[], "InvalidOption: give one of install, up, down, status, env, got ''"],
  ])('fails on %j with what is wrong and the usage, and starts nothing', (args, message) => {
    const { status, stdout, stderr } = command(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.startsWith(`${message}: see the usage below\n\nUsage: npm run account -- install|up|down|status|env`)).toBe(true);
    expect(stderr).not.toMatch(/ {4}at /);
  });

  test('--help prints the usage and ends with 0', () => {
    const { status, stdout } = command('--help');
    expect([status, stdout.startsWith('Usage: npm run account')]).toEqual([0, true]);
  });
});
