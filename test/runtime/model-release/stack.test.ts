import { readPointer, stackOf, updateStack } from '../../../runtime/model-release/stack';
import { Account, failure, POINTER } from './account';

const STACK = 'air-dev-serving-delay';
const stateOf = ({ deps: { stacks } }: Account) => stackOf(stacks, STACK, POINTER);
const update = ({ deps: { stacks, releaseRole } }: Account, release = 'release#1#updating') =>
  updateStack(stacks, STACK, releaseRole, release);

describe('the serving stack [R3]', () => {
  test('is its status and what its pointer resolved to', async () => {
    expect(await stateOf(new Account())).toEqual({ status: 'CREATE_COMPLETE', resolvedPointer: 'none' });
  });

  test('is not there before its first deployment, also while there is only a change set', async () => {
    const account = new Account();
    account.stack = { status: 'REVIEW_IN_PROGRESS', resolvedPointer: 'none' };
    expect(await stateOf(account)).toBeUndefined();
    account.stack = undefined;
    expect(await stateOf(account)).toBeUndefined();
    expect(await update(account)).toBe('busy');
  });

  test('fails when no parameter of it reads the pointer', async () => {
    const account = new Account();
    account.reads = false;
    await expect(stateOf(account)).rejects.toThrow(`InvalidServingStack: ${STACK} has no parameter that reads ${POINTER}`);
  });

  test('fails when it cannot be looked at: throttled is not absent', async () => {
    const account = new Account();
    account.failures.DescribeStacks = failure('Throttling', 'Rate exceeded');
    await expect(stateOf(account)).rejects.toThrow('Rate exceeded');
    await expect(update(account)).rejects.toThrow('Rate exceeded');
  });
});

describe('an update of it', () => {
  test('changes nothing but the pointer: template, parameters and capabilities stay, and the release role acts', async () => {
    const account = new Account();
    expect(await update(account)).toBe('accepted');
    expect(account.lastUpdate).toEqual({
      StackName: STACK,
      UsePreviousTemplate: true,
      Parameters: ['Other', 'Pointer'].map((ParameterKey) => ({ ParameterKey, UsePreviousValue: true })),
      Capabilities: ['CAPABILITY_NAMED_IAM'],
      RoleARN: 'arn:release-role',
      ClientRequestToken: expect.stringMatching(/^[a-zA-Z0-9][-a-zA-Z0-9]{0,127}$/),
    });
  });

  test('has the same token whenever the step comes again, and another for the way back', async () => {
    const account = new Account();
    const tokenOf = async (release: string) => {
      await update(account, release);
      return account.lastUpdate.ClientRequestToken;
    };
    const first = await tokenOf('release#1#updating');
    expect(await tokenOf('release#1#updating')).toBe(first);
    expect(await tokenOf('release#1#restore updating')).not.toBe(first);
  });

  // Texts of AWS: https://github.com/remind101/empire/issues/932, https://github.com/floci-io/floci/issues/3097
  test.each([
    ['was asked for already', 'TokenAlreadyExistsException', 'A client request token already exists', 'accepted'],
    ['has nothing to do', 'ValidationError', 'No updates are to be performed.', 'nothing to update'],
    [
      'comes while another runs',
      'ValidationError',
      'Stack:arn:aws:cloudformation:eu-central-1:1:stack/s/1 is in UPDATE_IN_PROGRESS state and can not be updated.',
      'busy',
    ],
    [
      'comes while another is cleaned up',
      'ValidationError',
      'Stack:arn:aws:cloudformation:eu-central-1:1:stack/s/1 is in UPDATE_COMPLETE_CLEANUP_IN_PROGRESS state and can not be updated.',
      'busy',
    ],
  ])('that %s is no error', async (_what, name, message, asked) => {
    const account = new Account();
    account.failures.UpdateStack = failure(name, message);
    expect(await update(account)).toBe(asked);
  });

  test.each([
    ['Throttling', 'Rate exceeded'],
    ['AccessDenied', 'User: x is not authorized to perform: cloudformation:UpdateStack'],
    ['ValidationError', 'Unable to fetch parameters [/air-dev/models/delay/approved] from parameter store for this account.'],
  ])('fails on %s', async (name, message) => {
    const account = new Account();
    account.failures.UpdateStack = failure(name, message);
    await expect(update(account)).rejects.toThrow(message);
  });
});

describe('the pointer [R4]', () => {
  test('is what it says, and undefined when it is missing', async () => {
    const account = new Account();
    expect(await readPointer(account.deps.parameters, POINTER)).toBe('none');
    account.pointer = undefined;
    expect(await readPointer(account.deps.parameters, POINTER)).toBeUndefined();
  });

  test('fails when it cannot be read: unreadable is not missing', async () => {
    const account = new Account();
    account.failures.GetParameter = failure('ThrottlingException');
    await expect(readPointer(account.deps.parameters, POINTER)).rejects.toThrow('ThrottlingException');
  });
});
