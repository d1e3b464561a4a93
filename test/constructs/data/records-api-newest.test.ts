import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { DataContract, DataIntake, DataZones, EventTime, OnlineTable, RecordsApi, StreamIntake } from '../../../lib';
import { once, refusal, synth } from '../../support/synth';
import { contractOf, FLIGHTS, orders } from './contracts';
import { ownOf, statementsOf } from './statements';

type Given = { clock?: boolean; other?: boolean; table?: boolean };

function make(stack: Stack, { clock, other, table }: Given = {}) {
  const zones = new DataZones(stack, 'Zones');
  const source = (id: string, contract: DataContract) =>
    new StreamIntake(stack, `${id}Stream`, {
      intake: new DataIntake(stack, id, { zones, contract, intakeName: `air-dev-${id.toLowerCase()}` }),
    });
  const flights = source('Flights', DataContract.fromFile(FLIGHTS));
  const trains = source(
    'Orders',
    contractOf(() => undefined, orders()),
  );
  const online = new OnlineTable(stack, 'Online', { source: flights, entity: ['origin'], eventTime: EventTime.column('time_hour') });
  const clockParameter = clock === true ? new StringParameter(stack, 'Clock', { stringValue: 'real' }) : undefined;
  const records = new RecordsApi(stack, 'Records', { apiName: 'air-dev', clockParameter });
  records.addDataset(flights, table === false ? {} : { online });
  records.addDataset(trains, other === true ? { online } : {});
  return { records, role: new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }) };
}

const build = (given: Given = {}, more: (made: ReturnType<typeof make>) => void = () => undefined) =>
  synth((stack) => {
    const made = make(stack, given);
    more(made);
    return made;
  });
const plain = once(() => build());
const variablesOf = (template: Template, dataset: string): Record<string, unknown> =>
  Object.values(template.findResources('AWS::Lambda::Function')).find(
    ({ Properties }) => Properties.Description === `Takes records of ${dataset} by HTTP`,
  )!.Properties.Environment.Variables as Record<string, unknown>;

describe('what RecordsApi reads of an online table [D8]', () => {
  test('has a route for signed requests where there is a table, and no nag finding that nobody answered for', () => {
    const { template, nag } = plain();
    const methods = Object.values(template.findResources('AWS::ApiGateway::Method')).map(({ Properties }) => Properties);
    expect(methods.filter(({ HttpMethod }) => HttpMethod === 'GET').map(({ AuthorizationType }) => AuthorizationType)).toEqual(['AWS_IAM']);
    const paths = Object.values(template.findResources('AWS::ApiGateway::Resource')).map(({ Properties }) => Properties.PathPart as string);
    expect(paths.filter((path) => path === 'newest')).toHaveLength(1);
    expect(nag).toEqual([]);
  });

  test('tells its function the table and who an entity is, and lets it get items of it and nothing else', () => {
    const { template } = plain();
    expect(variablesOf(template, 'flights')).toMatchObject({
      ONLINE_TABLE: { Ref: expect.stringMatching(/^OnlineTable/) },
      ONLINE_SPEC: '{"entity":["origin"]}',
    });
    expect(Object.keys(variablesOf(template, 'orders')).filter((name) => /ONLINE|CLOCK/.test(name))).toEqual([]);
    const actions = (dataset: string) =>
      ownOf(statementsOf(template, `RecordsDataset${dataset}Taker`)).map(({ actions: all, resources }) => [all, resources]);
    expect(actions('flights')).toContainEqual([['dynamodb:GetItem'], ['<OnlineTable>']]);
    expect(JSON.stringify(actions('orders'))).not.toContain('dynamodb');
  });

  test('reads the workload clock where there is one', () => {
    const { template } = build({ clock: true });
    expect(variablesOf(template, 'flights').WORKLOAD_CLOCK_PARAMETER).toEqual({ Ref: expect.stringMatching(/^Clock/) });
    expect(variablesOf(plain().template, 'flights')).not.toHaveProperty('WORKLOAD_CLOCK_PARAMETER');
    expect(variablesOf(template, 'orders')).not.toHaveProperty('WORKLOAD_CLOCK_PARAMETER');
  });

  test.each<[string, string | undefined, string]>([
    ['one dataset', 'flights', 'flights'],
    ['every dataset', undefined, '\\*'],
  ])('lets readers read the newest of %s, and nothing else', (_, dataset, shown) => {
    const { template } = build({}, ({ records, role }) => records.grantReadNewest(role, dataset));
    expect(statementsOf(template, 'Role')).toEqual([
      { actions: ['execute-api:Invoke'], resources: [expect.stringMatching(new RegExp(`/GET/v1/datasets/${shown}/newest$`))] },
    ]);
  });

  test('fails on a table of another stream', () => {
    expect(refusal((stack) => make(stack, { other: true }))).toMatch(
      /^InvalidRecords: 'online' holds records of flights: give a table of the stream that is added/,
    );
  });

  test('fails on a grant of what it does not read', () => {
    const { records, role } = plain().built;
    expect(() => records.grantReadNewest(role, 'orders')).toThrow(/^UnknownDataset: there is no online table of 'orders' \(flights\)/);
    const none = build({ table: false }).built;
    expect(() => none.records.grantReadNewest(none.role, 'flights')).toThrow(/\(none yet\)/);
  });
});
