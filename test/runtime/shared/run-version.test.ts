import { descriptionOf, versionOfRun } from '../../../runtime/shared/run-version';
import { aboutVersions, RunVersion, sageMakerOf } from '../../support/fake-registry';

const RUN = 'f'.repeat(64);
const TWIN = `${'f'.repeat(12)}${'0'.repeat(52)}`;

async function found(...versions: RunVersion[]) {
  const described: string[] = [];
  const groups = new Set<string>();
  const client = sageMakerOf((command, input) => {
    if (command === 'DescribeModelPackage') {
      described.push(input.ModelPackageName);
    } else {
      groups.add(input.ModelPackageGroupName);
    }
    return aboutVersions(versions, command, input);
  });
  return { arn: await versionOfRun(client, 'air-dev-delay', RUN), described, groups: [...groups] };
}

describe('the version of a run [R1]', () => {
  test('is the one whose lineage names the run, on whatever page of its group', async () => {
    const { arn, described, groups } = await found({ arn: 'p/3', runId: 'a' }, { arn: 'p/2', runId: TWIN }, { arn: 'p/1', runId: RUN });
    expect(arn).toBe('p/1');
    expect([described, groups]).toEqual([['p/2', 'p/1'], ['air-dev-delay']]);
  });

  test('is none while no lineage names the run, though another description begins alike', async () => {
    expect((await found()).arn).toBeUndefined();
    expect((await found({ arn: 'p/1', runId: TWIN, description: descriptionOf(RUN, 'd2') })).arn).toBeUndefined();
  });

  test('is none that failed or is being deleted', async () => {
    expect((await found({ arn: 'p/2', runId: RUN, status: 'Failed' }, { arn: 'p/1', runId: RUN, status: 'Deleting' })).arn).toBeUndefined();
  });

  test('fails when the registry does not answer: what cannot be read is not empty', async () => {
    const client = sageMakerOf(() => {
      throw new Error('Rate exceeded');
    });
    await expect(versionOfRun(client, 'air-dev-delay', RUN)).rejects.toThrow('Rate exceeded');
  });
});
