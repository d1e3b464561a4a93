import { join } from 'node:path';
import { Duration, Lazy, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Template } from 'aws-cdk-lib/assertions';
import { DataContract, DataIntake, DataZones } from '../../../lib/constructs/data';
import { InferenceApi, PredictionBooks, PredictionBus } from '../../../lib/constructs/integration';
import { WorkloadDashboard, WorkloadDashboardProps } from '../../../lib/constructs/observability';
import { Objective, ObjectiveGuard, ObjectiveMetric } from '../../../lib/constructs/ownership/objective';
import { ObjectiveTracker } from '../../../lib/constructs/ownership/objective-tracker';
import { Budget } from '../../../lib/constructs/ownership/workload-budget';
import { Slo } from '../../../lib/constructs/serving';
import { synth } from '../../support/synth';
import { asyncEndpoint } from '../serving/async-fixtures';
import { component, shared } from '../serving/component-fixtures';
import { endpoint } from '../serving/fixtures';

const metric = new Metric({ namespace: 'Mine', metricName: 'Errors' });
const objective = Objective.atLeast(40, ObjectiveMetric.recall('WarnedLateArrivals'), {
  over: Duration.days(28),
  guard: ObjectiveGuard.atMost(35, ObjectiveMetric.positiveRate('WarningsPerFlight')),
});
const build = (over: Partial<WorkloadDashboardProps> = {}, more: (dashboard: WorkloadDashboard, stack: Stack) => void = () => undefined) =>
  synth(
    (stack) => {
      const { bus } = new PredictionBus(stack, 'Bus', { busName: 'flights-dev' });
      const books = new PredictionBooks(stack, 'Books', { bus, apiName: 'flights-dev' });
      const tracker = new ObjectiveTracker(stack, 'Objective', { objective, books, workload: 'flights-dev' });
      const dashboard = new WorkloadDashboard(stack, 'Dashboard', {
        workload: 'flights-dev',
        objective,
        tracker,
        budget: Budget.monthly(400),
        ...over,
      });
      more(dashboard, stack);
      return dashboard;
    },
    { account: '111122223333', region: 'eu-central-1' },
  );

/** The widgets as Amazon CloudWatch gets them. */
function widgets(template: Template): { type: string; properties: Record<string, unknown> }[] {
  const [{ Properties }] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  const body = Properties.DashboardBody;
  const text =
    typeof body === 'string' ? body : body['Fn::Join'][1].map((part: unknown) => (typeof part === 'string' ? part : 'token')).join('');
  return JSON.parse(text).widgets;
}
const titles = (template: Template) =>
  widgets(template).map(({ properties }) => properties.title ?? String(properties.markdown).split('\n')[0]);

describe('WorkloadDashboard [O5]', () => {
  test('carries the Region in its name, because dashboards are global', () => {
    const { template, nag } = build();
    template.hasResourceProperties('AWS::CloudWatch::Dashboard', { DashboardName: 'flights-dev-eu-central-1' });
    expect(nag).toEqual([]);
  });

  test('tells a manager first whether the objective is met and what the workload may cost', () => {
    const [head, value, guard, labels] = widgets(build().template);
    expect(head.properties.markdown).toBe(
      '# flights-dev\n\n**Objective:** WarnedLateArrivals at least 40 % over 28 days, with **WarningsPerFlight** at most 35 %; judged from 1000 labels on.\n\n' +
        "**Cost:** at most 400 USD a month; [actual and forecast](https://console.aws.amazon.com/billing/home#/budgets) by the workload's tag.",
    );
    expect(value.properties).toMatchObject({
      title: 'WarnedLateArrivals (%)',
      annotations: { horizontal: [{ value: 40, label: 'target 40 %' }] },
    });
    expect(guard.properties).toMatchObject({
      title: 'WarningsPerFlight (%)',
      annotations: { horizontal: [{ value: 35, label: 'ceiling 35 %' }] },
    });
    expect(labels.properties).toMatchObject({ title: 'Labels in 28 days', view: 'singleValue' });
  });

  test('shows the one on call which alarms are on, by name and not by reference', () => {
    const [alarms] = widgets(build({ alarmNames: ['a', 'b'] }).template).filter(({ type }) => type === 'alarm');
    expect(alarms.properties.alarms).toEqual([expect.stringMatching(/:alarm:a$/), expect.stringMatching(/:alarm:b$/)]);
  });

  test('then shows each layer, three graphs to a row', () => {
    const graphs = ['One', 'Two', 'Three', 'Four'].map((title) => ({ title, metrics: [metric], unit: 'errors', limit: 5 }));
    const { template } = build({ sections: [{ title: 'Serving', text: 'How the endpoint does.', graphs }] });
    expect(titles(template).slice(4)).toEqual(['## Serving', 'One', 'Two', 'Three', 'Four']);
    expect(widgets(template)[5].properties).toMatchObject({
      yAxis: { left: { min: 0, label: 'errors' } },
      annotations: { horizontal: [{ value: 5, label: 'limit' }] },
    });
  });

  const line = (metric: unknown[]) => metric.filter((part) => typeof part === 'string');
  const lines = (template: Template): Record<string, unknown[][]> =>
    Object.fromEntries(
      widgets(template)
        .filter(({ properties }) => Array.isArray(properties.metrics))
        .map(({ properties }) => [properties.title, (properties.metrics as unknown[][]).map(line)]),
    );

  test('addEndpoint shows its metrics beside what it promises', () => {
    const { template } = build({}, (dashboard, stack) => dashboard.addEndpoint(endpoint(stack)));
    expect(titles(template).slice(4)).toEqual([
      '## Serving: flights-dev-delay',
      'Requests',
      'Failures',
      'Model latency, p99',
      'CPU and memory',
    ]);
    const dimensions = ['EndpointName', 'flights-dev-delay', 'VariantName', 'AllTraffic'];
    expect(lines(template)['Model latency, p99']).toEqual([['AWS/SageMaker', 'ModelLatency', ...dimensions]]);
    const limits = widgets(template).map(({ properties }) => JSON.stringify(properties.annotations ?? {}));
    expect(limits[6]).toContain('"value":0.005,');
    expect(limits[7]).toContain('"value":500000,');
  });

  test('addEndpoint draws no limit of a latency that nobody promised', () => {
    const { template } = build({}, (dashboard, stack) => dashboard.addEndpoint(endpoint(stack, { slo: Slo.availability(99) })));
    expect(widgets(template)[7].properties).not.toHaveProperty('annotations');
  });

  test('addAsyncEndpoint shows queue, failures and age beside what it promises', () => {
    const { template } = build({}, (dashboard, stack) => dashboard.addAsyncEndpoint(asyncEndpoint(stack)));
    expect(titles(template).slice(5)).toEqual(['Queue', 'Failures', 'Oldest request']);
    expect(lines(template).Queue[0].slice(0, 3)).toEqual(['AWS/SageMaker', 'ApproximateBacklogSize', 'EndpointName']);
    expect(widgets(template)[7].properties.annotations).toEqual({ horizontal: [expect.objectContaining({ value: 900 })] });
  });

  test('addComponent shows requests, also those without a copy, load, failures and latency beside what it promises', () => {
    const { template } = build({}, (dashboard, stack) => dashboard.addComponent(component(shared(stack))));
    expect(titles(template).slice(5)).toEqual(['Requests', 'Load of a copy', 'Failures', 'Model latency, p99', 'GPU and its memory']);
    expect(lines(template).Requests.map(([, name]) => name)).toEqual(['Invocations', 'NoCapacityInvocationFailures']);
  });

  test('shows cost alone where nobody counts what became of the answers', () => {
    const { template } = build({ objective: undefined, tracker: undefined });
    expect(titles(template)).toEqual(['# flights-dev']);
    expect(widgets(template)[0].properties.markdown).toMatch(/^# flights-dev\n\n\*\*Cost:/);
  });

  test.each(['objective', 'tracker'])('fails on an objective and its tracker without the other: %s', (name) => {
    expect(() => build({ [name]: undefined })).toThrow("'objective' and 'tracker' go together");
  });

  test('addApi shows answers, times and ground truth', () => {
    const { template } = build({}, (dashboard, stack) => {
      const { bus } = new PredictionBus(stack, 'ApiBus', { busName: 'api' });
      dashboard.addApi(new InferenceApi(stack, 'Api', { apiName: 'flights', endpointPrefix: 'f-', bus }));
    });
    expect(titles(template).slice(4)).toEqual(['## API: flights', 'Answers', 'Time of the model', 'Ground truth', 'Label coverage']);
    expect(lines(template).Answers).toEqual(
      ['Predictions', 'ModelUnavailable', 'ApiFault'].map((name) => ['AiWorkloads', name, 'Api', 'flights']),
    );
  });

  test('addIntake shows records, files and the queue', () => {
    const contract = join(__dirname, '../../../examples/flight-delays/contracts/flights.odcs.yaml');
    const { template } = build({}, (dashboard, stack) =>
      dashboard.addIntake(
        new DataIntake(stack, 'Intake', { zones: new DataZones(stack, 'Zones'), contract: DataContract.fromFile(contract) }),
      ),
    );
    expect(titles(template).slice(4)).toEqual(['## Data: flights', 'Records', 'Files', 'Oldest file that waits']);
    expect(lines(template).Records.map(([namespace, name]) => [namespace, name])).toEqual([
      ['AiWorkloads', expect.stringMatching(/Valid/)],
      ['AiWorkloads', expect.stringMatching(/Quarantined/)],
    ]);
  });

  test.each([
    [{ title: 'S', graphs: [] }, "'graphs' of section 'S' is empty: give at least one"],
    [{ title: 'S', graphs: [{ title: 'G', metrics: [] }] }, "'metrics' of graph 'G' must have 1 to 10 entries, got 0"],
    [{ title: 'S', graphs: [{ title: 'G', metrics: Array(11).fill(metric) }] }, "'metrics' of graph 'G' must have 1 to 10 entries, got 11"],
    [{ title: 'S', graphs: Array(500).fill({ title: 'G', metrics: [metric] }) }, 'would make more than 500 widgets'],
  ])('fails on a section that cannot be shown: %#', (section, message) => {
    expect(() => build({ sections: [section] })).toThrow(message);
  });

  test.each([1, 10])('shows a graph of %d lines', (count) => {
    const metrics = Array.from({ length: count }, (_, i) => new Metric({ namespace: 'Mine', metricName: `Errors${i}` }));
    const { template } = build({ sections: [{ title: 'S', graphs: [{ title: 'G', metrics }] }] });
    expect(widgets(template).at(-1)!.properties.metrics).toHaveLength(count);
  });

  test('shows 500 widgets and refuses one more [row 186]', () => {
    const graphs = (count: number) => ({ title: 'S', graphs: Array(count).fill({ title: 'G', metrics: [metric] }) });
    const free = 500 - widgets(build().template).length - 1;
    expect(widgets(build({ sections: [graphs(free)] }).template)).toHaveLength(500);
    expect(() => build({ sections: [graphs(free + 1)] })).toThrow("section 'S' would make more than 500 widgets");
  });

  test('writes a budget that only the deployment knows', () => {
    const budget = Budget.monthly(Lazy.number({ produce: () => 777 }));
    expect(widgets(build({ budget }).template)[0].properties.markdown).toContain('at most 777 USD a month');
  });

  test.each(['x', 'A_b-9', 'x'.repeat(200)])("accepts the workload '%s'", (workload) => {
    build({ workload }).template.hasResourceProperties('AWS::CloudWatch::Dashboard', { DashboardName: `${workload}-eu-central-1` });
  });

  test.each(['', 'a b', 'x'.repeat(201)])("fails on the workload '%s'", (workload) => {
    expect(() => build({ workload })).toThrow("InvalidWorkloadDashboard: 'workload' must be 1 to 200 letters");
  });

  test('fails on a workload that is not known at synth, and on more alarms than one widget shows', () => {
    expect(() => build({ workload: Lazy.string({ produce: () => 'x' }) })).toThrow("'workload' must be known at synth");
    expect(() => build({ alarmNames: Array(101).fill('a') })).toThrow("'alarmNames' has 101 names, one widget shows at most 100");
    expect(() => build({ alarmNames: Array.from({ length: 100 }, (_, i) => `a${i}`) })).not.toThrow();
  });
});
