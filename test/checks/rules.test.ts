import { CfnParameter } from 'aws-cdk-lib';
import { RULES } from '../../lib/checks/rules';
import { build, findings } from './apps';
import { Case, GREEN, RED } from './cases';

const expected = ({ rule, finds = [''] }: Case) =>
  finds.map((found) => (found === '' ? rule : RULES.some((other) => other.name === found) ? found : `${rule}[${found}]`)).sort();

/** Cases that consist of values, which a parameter can hide; what is missing cannot be hidden. */
const HIDEABLE = RED.filter(({ changes = {}, more }) => {
  const values = Object.values(changes).flatMap((change) => (change === null ? [null] : Object.values(change)));
  return more === undefined && values.length > 0 && !values.includes(null);
});

describe('the rules of AiWorkloadChecks [C1]', () => {
  test.each(RED.map((given, i) => [given.rule, i, given] as const))(
    '%s finds its mistake and nothing else does (case %i)',
    (_rule, _i, given) => {
      expect(findings((stack) => build(stack, given.sound, given.changes, given.more))).toEqual(expected(given));
    },
  );

  test.each(GREEN.map((given, i) => [given.rule, i, given] as const))('%s leaves alone what is right (case %i)', (_rule, _i, given) => {
    expect(findings((stack) => build(stack, given.sound, given.changes, given.more))).toEqual([]);
  });

  test.each(RULES.map(({ name: rule }) => rule))('%s has an app in which it finds its mistake', (rule) => {
    expect(RED.some((given) => given.rule === rule)).toBe(true);
  });

  test.each(HIDEABLE.map((given, i) => [given.rule, i, given] as const))(
    '%s judges nothing that is known only at deployment (case %i)',
    (rule, _i, { sound, changes = {} }) => {
      const hidden = Object.entries(changes).map(([id, change]) => [
        id,
        Object.fromEntries(Object.keys(change!).map((key) => [key, { Ref: 'Known' }])),
      ]);
      const found = findings((stack) => {
        new CfnParameter(stack, 'Known');
        build(stack, sound, Object.fromEntries(hidden));
      });
      expect(found.filter((one) => one.startsWith(rule))).toEqual([]);
    },
  );
});
