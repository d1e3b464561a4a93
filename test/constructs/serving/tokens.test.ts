import { Duration, Lazy } from 'aws-cdk-lib';
import { MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Match } from 'aws-cdk-lib/assertions';
import { MeasuredCapacity, Scaling, ScalingProps } from '../../../lib/constructs/serving';
import { synth } from '../../support/synth';
import { CAPACITY, endpoint, folder } from './fixtures';

const capacity = (over: object = { tokensPerRequest: 1366 }) =>
  MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify({ ...CAPACITY, ...over }) })}/c.json`);
const tokenMetric = new Metric({ namespace: 'chat', metricName: 'Tokens', dimensionsMap: { Service: 'chat', Stage: 'dev' } });
const problems = (props: ScalingProps) => Scaling.between(1, 4, props)._problems();
const alarms = (props: ScalingProps) =>
  synth((stack) => endpoint(stack, { scaling: Scaling.between(1, 4, props) })).template.findResources('AWS::CloudWatch::Alarm', {
    Properties: { AlarmName: Match.stringLikeRegexp('traffic-(out|in)$') },
  });

test('a capacity file hands the tokens of a request to the policy, and none where none are stated', () => {
  expect([capacity().tokensPerRequest, capacity()._rates]).toEqual([1366, { requestsPerSecond: 40, tokensPerRequest: 1366 }]);
  expect([capacity({}).tokensPerRequest, capacity({})._rates]).toEqual([undefined, { requestsPerSecond: 40 }]);
});

test('in both alarms of the traffic requests count as much as the mean of their tokens', () => {
  const rendered = Object.values(alarms({ capacity: capacity(), tokenMetric }));
  expect(rendered).toHaveLength(2);
  for (const { Properties } of rendered) {
    const [lacking, , , work, counted] = Properties.Metrics;
    expect(lacking.Expression).toMatch(/CEIL\(work \/ \d+\) - requests \/ shares/);
    expect(lacking.Expression).not.toContain('CEIL(requests');
    expect(work).toMatchObject({
      Id: 'work',
      Expression: 'requests * FILL(tokens, 1366) / 1366',
      ReturnData: false,
    });
    expect(counted).toEqual({
      Id: 'tokens',
      MetricStat: {
        Metric: {
          Namespace: 'chat',
          MetricName: 'Tokens',
          Dimensions: [
            { Name: 'Service', Value: 'chat' },
            { Name: 'Stage', Value: 'dev' },
          ],
        },
        Period: 60,
        Stat: 'Average',
      },
      ReturnData: false,
    });
  }
});

test('a capacity that states tokens scales by requests as before while no metric of them is named', () => {
  const expressions = (over: object) => Object.values(alarms({ capacity: capacity(over) })).map(({ Properties }) => Properties.Metrics);
  expect(expressions({ tokensPerRequest: 1366 })).toEqual(expressions({}));
});

test('statistic and period of the metric are not used, and dimensions may be known at deployment only', () => {
  const other = tokenMetric.with({ statistic: 'Sum', period: Duration.minutes(5) });
  const late = new Metric({ namespace: 'chat', metricName: 'Tokens', dimensionsMap: { Service: Lazy.string({ produce: () => 'late' }) } });
  expect(alarms({ capacity: capacity(), tokenMetric: other })).toEqual(alarms({ capacity: capacity(), tokenMetric }));
  expect(JSON.stringify(alarms({ capacity: capacity(), tokenMetric: late }))).toContain('"late"');
});

test.each<[string, () => ScalingProps, string[]]>([
  ['tokens and what they count for', () => ({ capacity: capacity(), tokenMetric }), []],
  [
    'no capacity',
    () => ({ concurrency: 4, tokenMetric }),
    ["'scaling.tokenMetric' goes with 'capacity', which states the tokens of a request: give that too"],
  ],
  [
    'a capacity that does not state them',
    () => ({ capacity: capacity({}), tokenMetric }),
    [
      expect.stringMatching(
        /^'scaling\.tokenMetric' needs the tokens of a request, which .*c\.json does not state: measure again .*'tokensPerRequest'/,
      ),
    ],
  ],
  [
    'metric math',
    () => ({ capacity: capacity(), tokenMetric: new MathExpression({ expression: 'a + 1', usingMetrics: { a: tokenMetric } }) }),
    ["'scaling.tokenMetric' must be one metric, got metric math: publish the tokens of each answer as a metric"],
  ],
])('%s: problems are told', (_, props, expected) => {
  expect(problems(props())).toEqual(expected);
});

test('what is wrong is an error of the endpoint at synth, not a crash of the metric', () => {
  const math = new MathExpression({ expression: 'a + 1', usingMetrics: { a: tokenMetric } });
  expect(() => synth((stack) => endpoint(stack, { scaling: Scaling.between(1, 4, { capacity: capacity(), tokenMetric: math }) }))).toThrow(
    "'scaling.tokenMetric' must be one metric",
  );
});
