import { PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ModelRelease } from '../../../lib/constructs/delivery';
import type { FoundRole } from '../../support/assembly-roles';
import { allows, Call, like, listed, Statement } from '../../support/policy-simulator';
import { synth } from '../../support/synth';
import { deliveryLayer } from './layer';
import { privilegesOf } from './privilege-table';
import { NEVER, Privileges, twinsOf } from './privileges';

let layer: ReturnType<typeof deliveryLayer>;
let table: Readonly<Record<string, Privileges>>;
beforeAll(() => {
  layer = deliveryLayer();
  const code = layer.roles.flatMap(({ statements }) =>
    statements.flatMap(({ Action, Resource }) => (Action === 's3:GetObject' ? listed(Resource).filter((r) => /-assets-/.test(r)) : [])),
  );
  table = privilegesOf([...new Set(code)]);
}, 120_000);

const shown = ({ action, resource, context }: Call) => `${action} ${resource} ${JSON.stringify(context ?? {})}`;
/** Calls that the statements decide otherwise than the role's task does. */
function wrongs(statements: readonly Statement[], { may, mayNot = [], ofModel }: Privileges): string[] {
  const allowed = new Set(may.map(shown));
  const denials = [...may.flatMap((need) => twinsOf(need, ofModel)), ...mayNot, ...NEVER].filter((call) => !allowed.has(shown(call)));
  return [
    ...may.filter((call) => !allows(statements, call)).map((call) => `must be allowed: ${shown(call)}`),
    ...denials.filter((call) => allows(statements, call)).map((call) => `must be denied: ${shown(call)}`),
  ];
}
/** Actions and resources of statements that no need of the role asks for. */
function superfluous(statements: readonly Statement[], { may }: Privileges): string[] {
  return statements.flatMap(({ Action, Resource }) => [
    ...listed(Action).filter((action) => !may.some((need) => need.action === action)),
    ...listed(Resource).filter(
      (pattern) => !may.some(({ action, resource }) => listed(Action).includes(action) && like(pattern, resource)),
    ),
  ]);
}
const privilegesFor = ({ name }: FoundRole): Privileges => table[name] ?? { service: 'nobody', may: [] };

describe('least privilege of the delivery layer [R7, M3]', () => {
  test('is judged for every role: a new one must be added to the table', () => {
    expect(layer.roles.map(({ name }) => name).sort()).toEqual(Object.keys(table).sort());
  });

  test('every role can be assumed by its one service, and carries no policy of AWS but for the logs of functions', () => {
    const found = layer.roles.map(({ name, assumedBy, managed }) => [name, assumedBy, managed]);
    const expected = layer.roles.map((role) => {
      const { service, logs } = privilegesFor(role);
      return [role.name, [service], logs ? ['AWSLambdaBasicExecutionRole'] : []];
    });
    expect(found).toEqual(expected);
  });

  test('every role may do what it is for, and nothing that differs from it in whose it is', () => {
    const found = layer.roles.map((role) => [role.name, wrongs(role.statements, privilegesFor(role))]);
    expect(found.filter(([, problems]) => problems.length > 0)).toEqual([]);
  });

  test('no role has an action or a resource that it does not need', () => {
    const found = layer.roles.map((role) => [role.name, superfluous(role.statements, privilegesFor(role))]);
    expect(found.filter(([, problems]) => problems.length > 0)).toEqual([]);
  });

  test('no action is a wildcard, and every resource that has one is explained', () => {
    const actions = layer.roles.flatMap(({ statements }) => statements.flatMap(({ Action }) => listed(Action)));
    expect(actions.filter((action) => /[*?]/.test(action))).toEqual([]);
    expect(layer.unexplained).toEqual([]);
    const open = layer.roles.flatMap((role) => privilegesFor(role).may.filter(({ resource }) => resource === '*'));
    expect(open.filter(({ reason }) => (reason ?? '') === '')).toEqual([]);
  });
});

/** Each statement broken in one way. */
function mutants(statements: readonly Statement[]): { what: string; broken: Statement[] }[] {
  return statements.flatMap((statement, i) => {
    const replaced = (what: string, ...others: Statement[]) => {
      const broken = [...statements.slice(0, i), ...others, ...statements.slice(i + 1)];
      return { what: `${what} in ${JSON.stringify(statement)}`, broken };
    };
    const { Condition, ...unconditional } = statement;
    const without = Object.entries(Condition ?? {}).flatMap(([operator, keys]) =>
      Object.keys(keys).map((key) => {
        const { [key]: _gone, ...rest } = keys;
        return replaced(`no condition on ${key}`, { ...unconditional, Condition: { ...Condition, [operator]: rest } });
      }),
    );
    const patterns = listed(statement.Resource);
    const widened = patterns
      .filter((pattern) => pattern !== '*' && !OF_AWS.test(pattern))
      .map((pattern) => replaced(`any resource for ${pattern}`, { ...statement, Resource: [...patterns, '*'] }));
    const saidTwice = statements.some((other) => other !== statement && covers(other, statement));
    return [...without, ...widened, ...(saidTwice ? [] : [replaced('nothing', ...[])])];
  });
}
/** Repositories of AWS, which anybody may read. */
const OF_AWS = /:ecr:/;
/** Two grants of one key may both say what reading and writing need. */
const covers = (other: Statement, { Action, Resource, Condition }: Statement) =>
  JSON.stringify([other.Resource, other.Condition]) === JSON.stringify([Resource, Condition]) &&
  listed(Action).every((action) => listed(other.Action).includes(action));

describe('a broken role', () => {
  test('fails the table, whichever statement loses a condition, its resources or itself', () => {
    const survivors = layer.roles.flatMap((role) => {
      const privileges = privilegesFor(role);
      return mutants(role.statements)
        .filter(({ broken }) => wrongs(broken, privileges).length === 0)
        .map(({ what }) => `${role.name}: ${what}`);
    });
    expect(survivors).toEqual([]);
    expect(layer.roles.flatMap(({ statements }) => mutants(statements)).length).toBeGreaterThan(150);
  });

  test.each([
    ['a name that starts alike', 'ReleaseReleaseRole', 'endpoint/flight-delays-dev-*', 'endpoint/flight-delays-dev*'],
    ['any pointer', 'ReleaseStepsServiceRole', '/flight-delays-dev/models/*/approved', '/flight-delays-dev/*'],
    ['any stack of the workload', 'ReleaseStepsServiceRole', 'stack/flight-delays-dev-serving-*', 'stack/flight-delays-dev-*'],
    ['every model', 'TrainingJobRole', 'ArtifactsBucket/runs/delay/*', 'ArtifactsBucket/runs/*'],
    ['what is registered', 'TrainingJobRole', 'ArtifactsBucket/runs/delay/*', 'ArtifactsBucket/*'],
    ['jobs of models that start alike', 'TrainingMachineRole', '-delay--*', '-delay-*'],
    ['every dataset', 'TrainingJobRole', 'ZonesValidated/flights/*', 'ZonesValidated/*'],
  ])('fails the table when it reaches %s', (_what, name, narrow, wide) => {
    const { statements } = layer.roles.find((role) => role.name === name)!;
    const widened = JSON.parse(JSON.stringify(statements).replaceAll(narrow, wide)) as Statement[];
    expect(widened).not.toEqual(statements);
    expect(wrongs(widened, table[name])).not.toEqual([]);
  });

  test('fails when it may approve, and when an action is added that nobody needs', () => {
    const registrar = layer.roles.find(({ name }) => name === 'TrainingRegistrarServiceRole')!;
    const more: Statement = { Effect: 'Allow', Action: 'sagemaker:UpdateModelPackage', Resource: '*' };
    expect(wrongs([...registrar.statements, more], table[registrar.name])).not.toEqual([]);
    expect(superfluous([...registrar.statements, more], table[registrar.name])).toEqual(['sagemaker:UpdateModelPackage', '*']);
  });

  test('fails on a wildcard that nobody explained', () => {
    const { nag } = synth((stack) => {
      const release = new ModelRelease(stack, 'Release', {
        namePrefix: 'air-dev',
        bus: new EventBus(stack, 'Bus'),
        artifacts: Bucket.fromBucketName(stack, 'Artifacts', 'artifacts'),
        imageRepositories: ['1.dkr.ecr.eu-central-1.amazonaws.com/sklearn'],
      });
      const role = release.node.findChild('ReleaseRole') as Role;
      role.addToPolicy(new PolicyStatement({ actions: ['sagemaker:DeleteEndpoint'], resources: ['arn:aws:sagemaker:*:*:endpoint/*'] }));
    });
    expect(nag).toEqual([expect.stringContaining('AwsSolutions-IAM5')]);
  });
});
