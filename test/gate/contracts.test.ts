import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack, Stage } from 'aws-cdk-lib';
import { loadAssembly } from '../../gate/assembly';
import { refusedContracts } from '../../gate/contracts';
import { DataIntake, DataZones } from '../../lib';
import { contractOf, Loose } from '../constructs/data/contracts';

/** The folder of a synthesized app with one intake. */
function assembly(change: (d: Loose) => void = () => undefined, inStage = false): string {
  const root = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const stack = new Stack(inStage ? new Stage(root, 'Stage') : root, 'Data');
  new DataIntake(stack, 'Orders', { zones: new DataZones(stack, 'Zones'), contract: contractOf(change), intakeName: 'orders' });
  return root.synth().directory;
}
const refused = (before: string, after: string) => refusedContracts(loadAssembly(before), loadAssembly(after));
const tighter = (version: string) => (d: Loose) => {
  d.version = version;
  d.schema[0].properties[1].required = true;
};

describe('changes of data contracts in a deployment [D2, meaning 30]', () => {
  const before = assembly();

  test('are refused when the version does not allow them, with place and stack', () => {
    expect(refused(before, assembly(tighter('1.1.0')))).toEqual([
      {
        check: 'contracts',
        stack: 'Data',
        resource: expect.stringMatching(/^OrdersValidator/),
        problem: `contract of 'orders': 'schema[0].properties[1].required' 'amount' must have values, which needs a new major version: "1.0.0" to "1.1.0" is a minor one`,
      },
    ]);
    expect(
      refused(
        before,
        assembly((d) => void delete d.schema[0].properties[1].logicalTypeOptions),
      ),
    ).toHaveLength(2);
  });

  test('pass with the version that they need, and so does the same contract', () => {
    expect(refused(before, assembly(tighter('2.0.0')))).toEqual([]);
    expect(refused(before, before)).toEqual([]);
  });

  test('are found in stages too', () => {
    expect(refused(assembly(undefined, true), assembly(tighter('1.1.0'), true))).toHaveLength(1);
  });

  test('are none of a dataset that comes or goes', () => {
    expect(
      refused(
        before,
        assembly((d) => void Object.assign(d, { name: 'sales' })),
      ),
    ).toEqual([]);
  });

  test('fails on an assembly without the file of its contract, instead of passing it', () => {
    const cut = assembly();
    const [subject] = loadAssembly(cut);
    const variables = Object.values(subject.template.Resources!).flatMap(({ Properties }) => Properties?.Environment?.Variables ?? []);
    const key = variables.find(({ CONTRACT_KEY }) => CONTRACT_KEY !== undefined)!.CONTRACT_KEY as string;
    rmSync(join(cut, `asset.${key}`));
    expect(() => refused(cut, before)).toThrow();
    rmSync(join(cut, 'Data.assets.json'));
    expect(() => refused(cut, before)).toThrow(
      /^MissingContract: .* names the contract [0-9a-f]{64}\.json, but its assembly does not have it/,
    );
  });
});
