import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(__dirname, '..');

/** A file, an import that it must not have, and a word of the message. */
const VIOLATIONS: [string, string, string][] = [
  ['lib/constructs/serving/x.ts', '../../../runtime/shared/clock', 'stands on its own'],
  ['lib/constructs/serving/x.ts', '../../../bench/empty-app', 'stands on its own'],
  ['lib/constructs/serving/x.ts', '../../stacks/data-stack', 'neither stacks nor the config'],
  ['lib/constructs/serving/x.ts', '../../config/load', 'neither stacks nor the config'],
  ['lib/constructs/serving/x.ts', '../workload', 'does not know the whole'],
  ['lib/constructs/shared/x.ts', '../ownership/layer', 'know no layer'],
  ['lib/checks/x.ts', '../stacks/data-stack', 'judge any app'],
  ['lib/checks/x.ts', '../constructs/ownership', 'judge any app'],
  ['lib/constructs/serving/x.ts', '../../checks', 'by whom'],
  ['lib/config/x.ts', '../stacks/data-stack', 'config is data'],
  ['bin/x.ts', '../local/account', 'lib only'],
  ['runtime/intake/x.ts', '../../lib/index', 'share contracts'],
  ['runtime/intake/x.ts', '../../lib/constructs/data/data-contract', 'only contract.ts'],
  ['runtime/intake/x.ts', '../../lib/config/load', 'share contracts'],
  ['runtime/intake/x.ts', '../../scripts/tasks', 'share contracts'],
  ['gate/x.ts', '../lib/index', 'of ours it knows how contracts compare'],
  ['gate/x.ts', '../scripts/tasks', 'must not know ours'],
  ['examples/flight-delays/x.ts', '../../lib/index', 'what a user copies'],
  ['local/x.ts', '../lib/stacks/data-stack', 'no part of it'],
  ['local/x.ts', '../operations/clients', 'no part of it'],
  ['lib/config/x.ts', '../../operations/clients', 'stands on its own'],
  ['operations/x.ts', '../runtime/shared/clock', 'how records are framed and named'],
  ['operations/x.ts', '../local/account', 'config file and its contracts'],
  ['operations/x.ts', '../lib/stacks/data-stack', 'config file and its contracts'],
  ['operations/x.ts', '../lib/constructs/data/data-contract', 'only contract.ts'],
  ['local/x.ts', '../runtime/shared/clock', 'no part of it'],
  ['lib/constructs/data/contract.ts', '../shared/names', 'imports nothing'],
  ['capacity/simulator/x.ts', '../../lib/constructs/serving/scaling/scaling', 'nothing that needs the CDK'],
  ['capacity/simulator/x.ts', '../../lib/config/load', 'nothing that needs the CDK'],
  ['capacity/simulator/x.ts', '../../local/account', 'not how they are deployed'],
  ['capacity/simulator/x.ts', '../../scripts/tasks', 'not how they are deployed'],
  ['capacity/simulator/x.ts', 'aws-cdk-lib', 'without the CDK'],
  ['lib/constructs/serving/x.ts', '../../../capacity/profiles/profile', 'stands on its own'],
];

const LEGAL: [string, string][] = [
  ['capacity/simulator/x.ts', '../../lib/constructs/serving/scaling/policy'],
  ['capacity/profiles/x.ts', '../../lib/constructs/serving/data/instances.json'],
  ['capacity/profiles/x.ts', '../../lib/constructs/shared/contract'],
  ['operations/x.ts', '../lib/constructs/delivery/contract'],
  ['operations/x.ts', '../lib/config/load'],
  ['operations/x.ts', '../runtime/stream/entity-key'],
  ['runtime/intake/x.ts', '../../lib/constructs/data/contract'],
  ['lib/stacks/x.ts', '../constructs/data'],
  ['lib/checks/no-mlops/x.ts', '../../constructs/serving/instance-catalogue'],
  ['lib/constructs/workload/x.ts', '../serving'],
  ['local/x.ts', '../lib/constructs/data/contract'],
];

function lint(cases: [string, string][]): string[][] {
  const options = { cwd: root, input: JSON.stringify(cases), encoding: 'utf8' as const };
  return JSON.parse(execFileSync(process.execPath, ['test/support/lint-violations.mjs'], options));
}

test('arrows point one way: each wall refuses what must not pass and lets through what may', () => {
  const messages = lint([...VIOLATIONS.map(([file, target]): [string, string] => [file, target]), ...LEGAL]);
  VIOLATIONS.forEach(([file, target, word], i) =>
    expect({ [`${file} -> ${target}`]: messages[i].join(' ') }).toEqual({ [`${file} -> ${target}`]: expect.stringContaining(word) }),
  );
  expect(messages.slice(VIOLATIONS.length)).toEqual(LEGAL.map(() => []));
});
