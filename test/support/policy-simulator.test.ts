import { allows, Statement } from './policy-simulator';

const statement = (given: Partial<Statement> = {}): Statement => ({ Effect: 'Allow', Action: 's3:Get*', Resource: 'a/*', ...given });
const call = (context?: Record<string, string | string[]>) => ({ action: 's3:GetObject', resource: 'a/b/c', context });
const conditioned = (operator: string, key: string, ...values: string[]) => [statement({ Condition: { [operator]: { [key]: values } } })];

describe('the policy simulator', () => {
  test('allows what a statement matches, actions in any case, and denies everything else', () => {
    expect(allows([statement()], { action: 'S3:getobject', resource: 'a/b/c' })).toBe(true);
    expect(allows([statement()], { action: 's3:PutObject', resource: 'a/b' })).toBe(false);
    expect(allows([statement()], { action: 's3:GetObject', resource: 'b/a/' })).toBe(false);
    expect(allows([], call())).toBe(false);
  });

  test('denies what one statement denies, whatever others allow', () => {
    expect(allows([statement(), statement({ Effect: 'Deny', Resource: 'a/b/?' })], call())).toBe(false);
    expect(allows([statement(), statement({ Effect: 'Deny', Resource: 'a/?' })], call())).toBe(true);
  });

  test.each([
    ['StringEquals', 'x', 'x', true],
    ['StringEquals', 'x*', 'xy', false],
    ['StringLike', 'x*', 'xy', true],
    ['ArnLike', 'arn:aws:sns:*:1:t*', 'arn:aws:sns:r:1:tt', true],
    ['ArnEquals', 'arn:aws:sns:*:t', 'arn:aws:sns:r:1:t', false],
    ['Bool', 'true', 'True', true],
    ['StringEqualsIfExists', 'x', 'y', false],
  ])('%s: %s and %s', (operator, wanted, given, expected) => {
    expect(allows(conditioned(operator, 'k', wanted), call({ K: given }))).toBe(expected);
  });

  test('needs one of the values of each key, and every key', () => {
    expect(allows(conditioned('StringEquals', 'k', 'x', 'y'), call({ k: 'y' }))).toBe(true);
    const both = [statement({ Condition: { StringEquals: { k: 'x', l: 'y' } } })];
    expect(allows(both, call({ k: 'x' }))).toBe(false);
    expect(allows(both, call({ k: 'x', l: 'y' }))).toBe(true);
  });

  test('a key that is missing does not match, unless the operator says so', () => {
    expect(allows(conditioned('StringEquals', 'k', 'x'), call())).toBe(false);
    expect(allows(conditioned('StringLike', 'k', '*'), call())).toBe(false);
    expect(allows(conditioned('StringEqualsIfExists', 'k', 'x'), call())).toBe(true);
    expect(allows(conditioned('ForAllValues:StringEquals', 'k', 'x'), call())).toBe(true);
    expect(allows(conditioned('ForAnyValue:StringEquals', 'k', 'x'), call())).toBe(false);
  });

  test('of several values any or all must match', () => {
    expect(allows(conditioned('ForAnyValue:StringEquals', 'k', 'x'), call({ k: ['x', 'z'] }))).toBe(true);
    expect(allows(conditioned('ForAllValues:StringEquals', 'k', 'x'), call({ k: ['x', 'z'] }))).toBe(false);
  });

  test.each([
    ['an operator', conditioned('NumericLessThan', 'k', '1'), { k: '1' }],
    ['several values without a set operator', conditioned('StringEquals', 'k', 'x'), { k: ['x', 'y'] }],
    ['a variable', [statement({ Resource: 'a/${aws:username}' })], {}],
    ['an element', [{ ...statement(), NotAction: 's3:*' } as Statement], {}],
  ])('fails on %s that it does not know, instead of guessing', (_what, statements, context) => {
    expect(() => allows(statements, call(context))).toThrow('UnknownElement');
  });
});
