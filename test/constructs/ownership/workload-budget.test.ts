import { Lazy, Stack } from 'aws-cdk-lib';
import { ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { Budget, WorkloadBudget, WorkloadBudgetProps } from '../../../lib/constructs/ownership/workload-budget';
import { synth } from '../../support/synth';

const TOPIC = 'arn:aws:sns:us-east-1:111122223333:alerts';
const imported = (stack: Stack): ITopic => Topic.fromTopicArn(stack, 'Topic', TOPIC);
const build = (over: Partial<WorkloadBudgetProps> = {}, topic = imported) =>
  synth(
    (stack) => new WorkloadBudget(stack, 'Budget', { budget: Budget.monthly(400), workload: 'flights-dev', topic: topic(stack), ...over }),
  );

describe('WorkloadBudget [P4]', () => {
  test('limits the monthly cost of what carries the tag of the workload', () => {
    const { template, nag } = build();
    expect(nag).toEqual([]);
    template.hasResourceProperties('AWS::Budgets::Budget', {
      Budget: {
        BudgetType: 'COST',
        TimeUnit: 'MONTHLY',
        BudgetLimit: { Amount: 400, Unit: 'USD' },
        CostFilters: { TagKeyValue: ['user:workload$flights-dev'] },
      },
    });
  });

  test('tells the owner of the product about the forecast, and about 80 and 100 percent of actual cost', () => {
    const notice = (NotificationType: string, Threshold: number) => ({
      Notification: { NotificationType, ComparisonOperator: 'GREATER_THAN', Threshold, ThresholdType: 'PERCENTAGE' },
      Subscribers: [{ SubscriptionType: 'SNS', Address: TOPIC }],
    });
    build().template.hasResourceProperties('AWS::Budgets::Budget', {
      NotificationsWithSubscribers: [notice('FORECASTED', 100), notice('ACTUAL', 80), notice('ACTUAL', 100)],
    });
  });

  test('is named after its notifications, because they cannot change under one name', () => {
    const { built, template } = build();
    expect(built.budgetName).toMatch(/^flights-dev-monthly-[0-9a-f]{8}$/);
    template.hasResourceProperties('AWS::Budgets::Budget', { Budget: { BudgetName: built.budgetName } });
    expect(build().built.budgetName).toBe(built.budgetName);
    expect(build({ budget: Budget.monthly(500) }).built.budgetName).toBe(built.budgetName);
    expect(build({}, (stack) => Topic.fromTopicArn(stack, 'Topic', `${TOPIC}-2`)).built.budgetName).not.toBe(built.budgetName);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('fails on %d USD', (usd) => {
    expect(() => Budget.monthly(usd)).toThrow(`InvalidBudget: 'usd' must be above 0, got ${usd}`);
  });

  test('accepts a cent, and a Token', () => {
    build({ budget: Budget.monthly(0.01) }).template.hasResourceProperties('AWS::Budgets::Budget', {
      Budget: { BudgetLimit: { Amount: 0.01 } },
    });
    expect(() => Budget.monthly(Lazy.number({ produce: () => 5 }))).not.toThrow();
  });

  test.each(['a', '9-a', 'a'.repeat(80)])("accepts the workload '%s'", (workload) => {
    expect(build({ workload }).built.budgetName).toMatch(new RegExp(`^${workload}-monthly-`));
  });

  test.each(['Flights', 'a:b', '', 'a'.repeat(81)])("fails on the workload '%s'", (workload) => {
    expect(() => build({ workload })).toThrow("InvalidWorkloadBudget: 'workload' must be 1 to 80 lower-case letters, digits and hyphens");
  });

  test('fails on a workload that is not known at synth', () => {
    expect(() => build({ workload: Lazy.string({ produce: () => 'x' }) })).toThrow("'workload' must be known at synth, got a Token");
  });

  test.each(['a', 'cost center_1:x/=+@.-', 'a'.repeat(128)])("accepts the tag key '%s'", (tagKey) => {
    build({ tagKey }).template.hasResourceProperties('AWS::Budgets::Budget', {
      Budget: { CostFilters: { TagKeyValue: [`user:${tagKey}$flights-dev`] } },
    });
  });

  test('accepts a tag key that is a Token', () => {
    const tagKey = Lazy.string({ produce: () => 'team' });
    build({ tagKey }).template.hasResourceProperties('AWS::Budgets::Budget', {
      Budget: { CostFilters: { TagKeyValue: ['user:team$flights-dev'] } },
    });
  });

  test.each(['', 'aws:x', 'a*', 'a'.repeat(129)])("fails on the tag key '%s'", (tagKey) => {
    expect(() => build({ tagKey })).toThrow("'tagKey' must be 1 to 128 letters");
  });

  test('fails on a FIFO topic, which AWS Budgets cannot publish to', () => {
    expect(() => build({}, (stack) => new Topic(stack, 'Topic', { fifo: true, topicName: 'a.fifo', enforceSSL: true }))).toThrow(
      "'topic' is a FIFO topic",
    );
  });
});
