import { createHash } from 'node:crypto';
import { Stack, Token } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { failOn, mismatch, unknownAtSynth } from '../shared/checks';

/** What a workload may cost. */
export class Budget {
  /**
   * A limit for each calendar month.
   *
   * @param usd limit in US dollars, above 0
   */
  public static monthly(usd: number): Budget {
    return new Budget(usd);
  }

  private constructor(
    /** Monthly limit, US dollars. */
    public readonly monthlyUsd: number,
  ) {
    if (!Token.isUnresolved(monthlyUsd) && !(monthlyUsd > 0 && Number.isFinite(monthlyUsd))) {
      throw new Error(`InvalidBudget: 'usd' must be above 0, got ${monthlyUsd}`);
    }
  }
}

/** Properties of a `WorkloadBudget`. */
export interface WorkloadBudgetProps {
  /** What the workload may cost. */
  readonly budget: Budget;
  /**
   * Value of the cost allocation tag on the workload's resources, and start of the budget's name: 1 to 80 lower-case letters, digits
   * and hyphens, known at synth.
   */
  readonly workload: string;
  /** Where the notifications go: a standard topic that lets AWS Budgets publish, such as `AlarmBoard.topicFor()` gives. */
  readonly topic: ITopic;
  /**
   * Key of that tag. It counts only once it is activated as a cost allocation tag in the billing console of the paying account
   * (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html).
   *
   * @default 'workload'
   */
  readonly tagKey?: string;
}

interface Notice {
  readonly type: 'ACTUAL' | 'FORECASTED';
  readonly percent: number;
}

/** Forecast first: it comes while something can still be done. */
const NOTICES: Notice[] = [
  { type: 'FORECASTED', percent: 100 },
  { type: 'ACTUAL', percent: 80 },
  { type: 'ACTUAL', percent: 100 },
];

/** A monthly cost budget of one workload, by its tag, that tells the owner of the product about forecast and actual cost. */
export class WorkloadBudget extends Construct {
  /** Name of the budget. */
  public readonly budgetName: string;

  constructor(scope: Construct, id: string, props: WorkloadBudgetProps) {
    super(scope, id);
    const tagKey = props.tagKey ?? 'workload';
    failOn(this, 'InvalidWorkloadBudget', [
      ...unknownAtSynth('workload', props.workload),
      ...mismatch('workload', props.workload, /^[a-z0-9][a-z0-9-]{0,79}$/, '1 to 80 lower-case letters, digits and hyphens'),
      ...mismatch('tagKey', tagKey, /^(?!aws:)[A-Za-z0-9 _.:/=+@-]{1,128}$/, "1 to 128 letters, digits or ' _.:/=+-@', not 'aws:'"),
      ...(props.topic.fifo ? ["'topic' is a FIFO topic: AWS Budgets publishes to standard topics only"] : []),
    ]);
    this.budgetName = `${props.workload}-monthly-${this.fingerprint(props.topic)}`;
    new CfnBudget(this, 'Resource', {
      budget: {
        budgetName: this.budgetName,
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: props.budget.monthlyUsd, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:${tagKey}$${props.workload}`] },
      },
      notificationsWithSubscribers: NOTICES.map(({ type, percent }) => ({
        notification: { notificationType: type, comparisonOperator: 'GREATER_THAN', threshold: percent, thresholdType: 'PERCENTAGE' },
        subscribers: [{ subscriptionType: 'SNS', address: props.topic.topicArn }],
      })),
    });
  }

  /** Notifications cannot be changed in place, and a replacement under the same name is refused: so the name follows from them. */
  private fingerprint(topic: ITopic): string {
    const content = JSON.stringify([NOTICES, Stack.of(this).resolve(topic.topicArn)]);
    return createHash('sha256').update(content).digest('hex').slice(0, 8);
  }
}
