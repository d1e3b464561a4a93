import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { assemblyCoverage, classOf, loadCoverage } from '../../local/coverage';
import { readBackProblems } from '../../local/readback';
import { isolatedConfig } from '../support/isolated-config';
import { CONTEXT } from '../support/synth';

const root = resolve(__dirname, '../..');

function assembly(...templates: string[][]): string {
  const dir = mkdtempSync(join(tmpdir(), 'assembly-test-'));
  mkdirSync(join(dir, 'assembly-Stage'));
  templates.forEach((types, index) => {
    const Resources = Object.fromEntries(types.map((Type, position) => [`R${position}`, { Type }]));
    writeFileSync(join(dir, index === 0 ? '' : 'assembly-Stage', `s${index}.template.json`), JSON.stringify({ Resources }));
  });
  return dir;
}

/** The types of all stacks of both stages, of the config with which the network's test deploys, and of the app of the stream's test. */
async function deployedTypes(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'coverage-test-'));
  const configs = ['config/dev.yaml', 'config/prod.yaml', isolatedConfig(folder)];
  const synthesized = configs.map(async (config, index) => {
    const outdir = join(folder, String(index));
    const env = { ...process.env, CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: JSON.stringify({ ...CONTEXT, config }) };
    await promisify(execFile)(process.execPath, ['--import', 'tsx', 'bin/app.ts'], { cwd: root, env });
    return assemblyCoverage(outdir).map(({ type }) => type);
  });
  const outdir = join(folder, 'stream');
  const stream = promisify(execFile)(process.execPath, ['--import', 'tsx', 'test/e2e/stream-app.ts'], {
    cwd: root,
    env: { ...process.env, CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: JSON.stringify(CONTEXT) },
  }).then(() => assemblyCoverage(outdir).map(({ type }) => type));
  return (await Promise.all([...synthesized, stream])).flat();
}

function templateTypesOfTests(): string[] {
  const folder = join(root, 'test/local/account');
  const files = readdirSync(folder).filter((name) => name.endsWith('.py'));
  return files.flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/resource\("(AWS::\w+::\w+)"/g)].map(([, type]) => type),
  );
}

describe('the coverage table [L2]', () => {
  test('every entry has a known class and says what it leaves out', () => {
    const { classes, types, behaviours } = loadCoverage();
    for (const entry of [...Object.values(types), ...behaviours]) {
      expect(Object.keys(classes)).toContain(entry.class);
      expect(entry.note).toMatch(/\.$/);
    }
  });

  test('lists the types of an assembly with nested assemblies, with their classes', () => {
    const used = assemblyCoverage(assembly(['AWS::S3::Bucket', 'AWS::S3::Bucket'], ['Custom::Anything', 'AWS::CE::AnomalyMonitor']));
    expect(used.map(({ type, count, class: rank }) => [type, count, rank])).toEqual([
      ['AWS::CE::AnomalyMonitor', 1, 'stub'],
      ['AWS::S3::Bucket', 2, 'real'],
      ['Custom::Anything', 1, 'real'],
    ]);
  });

  test('fails on types that are not listed and names all of them', () => {
    expect(() => assemblyCoverage(assembly(['AWS::Braket::X', 'AWS::S3::Bucket', 'AWS::Wisdom::Y']))).toThrow(
      'UnlistedResourceType: local/coverage.json says nothing about AWS::Braket::X, AWS::Wisdom::Y',
    );
  });

  test('fails on types that are listed as absent and names all of them', () => {
    expect(() => assemblyCoverage(assembly(['AWS::SecretsManager::Secret', 'AWS::S3::Bucket', 'AWS::KMS::Alias']))).toThrow(
      'AbsentResourceType: the local account has no AWS::KMS::Alias, AWS::SecretsManager::Secret',
    );
  });

  test('what claims to be more than a stub is in a template that a test deploys: ours, or one of test/local/account', async () => {
    const used = new Set([...(await deployedTypes()), ...templateTypesOfTests()]);
    const { types } = loadCoverage();
    const claims = Object.keys(types).filter((type) => !['stub', 'absent'].includes(types[type].class));
    expect(claims.length).toBeGreaterThan(40);
    expect(
      claims.filter((type) => ![...used].some((name) => (type === 'Custom::*' ? name.startsWith('Custom::') : name === type))),
    ).toEqual([]);
  }, 180_000);

  test('fails on a resource that is missing and on a type that nobody can read but that claims more than a stub', () => {
    const missing = [{ stack: 's', type: 'AWS::SQS::Queue', logicalId: 'Q', id: 'q', problem: 'gone' }];
    const problems = readBackProblems({ read: 3, missing, typesWithoutReader: ['AWS::CE::AnomalyMonitor', 'AWS::KMS::Key'] });
    expect(problems).toHaveLength(2);
    expect(problems.join('\n')).toMatch(/ResourceMissing: AWS::SQS::Queue s\/Q .*gone[\s\S]*ResourceUnread: AWS::KMS::Key/);
    expect(classOf(loadCoverage(), 'AWS::KMS::Key')).toBe('bridged');
  });
});
