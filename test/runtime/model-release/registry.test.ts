import { MarkReason } from '../../../lib/constructs/delivery/contract';
import { approvedVersions, endpointOf, groupsOf } from '../../../runtime/model-release/registry';
import { Account, failure } from './account';
import { arnOf, RULES, versionOf } from './services';

const numbersOf = async (account: Account, marked: number[] = [], live?: string) => {
  const marks = marked.map((version) => ({ version, reason: MarkReason.FAILED }));
  return (await approvedVersions(account.deps.registry, RULES, marks, live)).map(({ version }) => version);
};
const bad = (version: number) => versionOf(version, { status: 'Failed' });

describe('approved versions [R3]', () => {
  test('are read over all pages, the newest first, down to the first that can be released', async () => {
    const account = new Account();
    account.versions = [versionOf(9), bad(11), versionOf(2), bad(10), versionOf(1)];
    expect(await numbersOf(account)).toEqual([11, 10, 9]);
    expect(account.calls).toEqual(['describe 11', 'describe 10', 'describe 9']);
  });

  test('leave out those with a mark, which are not even described', async () => {
    const account = new Account();
    account.versions = [versionOf(3), versionOf(2), versionOf(1)];
    expect(await numbersOf(account, [3, 2])).toEqual([1]);
    expect(account.calls).toEqual(['describe 1']);
  });

  test('end at the version that serves, though rules of today would refuse it', async () => {
    const account = new Account();
    account.versions = [bad(3), bad(2), versionOf(1)];
    expect(await numbersOf(account, [], arnOf(2))).toEqual([3, 2]);
  });

  test('carry what the registry says about them', async () => {
    const account = new Account();
    const [version] = await approvedVersions(account.deps.registry, RULES, [], undefined);
    expect(version).toEqual(versionOf(1));
  });

  test.each([
    ['ValidationException', 'Model Package Group does not exist.'],
    ['ResourceNotFound', 'Requested resource not found.'],
  ])('are none when the group is not there: %s', async (name, message) => {
    const account = new Account();
    account.failures.ListModelPackages = failure(name, message);
    expect(await numbersOf(account)).toEqual([]);
  });

  test.each([
    ['ThrottlingException', 'Rate exceeded'],
    ['AccessDeniedException', 'not authorized'],
    ['ValidationException', "1 validation error detected: Value at 'modelPackageGroupName' failed to satisfy constraint"],
  ])('fails on %s: what cannot be read is not empty', async (name, message) => {
    const account = new Account();
    account.failures.ListModelPackages = failure(name, message);
    await expect(numbersOf(account)).rejects.toThrow(message);
  });
});

describe('the endpoint', () => {
  const seen = ({ deps }: Account) => endpointOf(deps.registry, 'air-dev-delay');

  test('serves the version of the model that its configuration names', async () => {
    const account = new Account();
    account.endpoint = { status: 'InService', packageArn: arnOf(1) };
    expect(await seen(account)).toMatchObject({ status: 'InService', packageArn: arnOf(1) });
  });

  test('is not there when AWS does not find it', async () => {
    expect(await seen(new Account())).toBeUndefined();
  });

  // Text of AWS: https://github.com/aws/amazon-sagemaker-examples/issues/2339
  test.each([
    ['DescribeEndpointConfig', 'Could not find endpoint configuration "arn:aws:sagemaker:us-west-2:1:endpoint-config/c".'],
    ['DescribeModel', 'Could not find model "arn:aws:sagemaker:us-west-2:1:model/m".'],
  ])('serves nobody knows what when %s finds nothing', async (command, message) => {
    const account = new Account();
    account.endpoint = { status: 'InService', packageArn: arnOf(1) };
    account.failures[command] = failure('ValidationException', message);
    expect((await seen(account))?.status).toBe('InService');
    expect((await seen(account))?.packageArn).toBeUndefined();
  });

  test.each(['DescribeEndpoint', 'DescribeEndpointConfig', 'DescribeModel'])('fails when %s is throttled', async (command) => {
    const account = new Account();
    account.endpoint = { status: 'InService', packageArn: arnOf(1) };
    account.failures[command] = failure('ThrottlingException', 'Rate exceeded');
    await expect(seen(account)).rejects.toThrow('Rate exceeded');
  });
});

test('groups of the workload start with its prefix, over all pages', async () => {
  const account = new Account();
  account.groups = ['air-dev-a', 'our-air-dev-b', 'air-dev2-c', 'air-dev-d'];
  expect(await groupsOf(account.deps.registry, 'air-dev')).toEqual(['air-dev-a', 'air-dev-d']);
});
