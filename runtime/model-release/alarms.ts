import { AlarmType, CloudWatchClient, DescribeAlarmsCommand, StateValue } from '@aws-sdk/client-cloudwatch';

/**
 * Which of the named alarms are in ALARM. At most ten roll a deployment back
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoRollbackConfig.html). Composite alarms are not asked for: that would take
 * the right to see every alarm of the account
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html), and ours watch metrics.
 */
export async function inAlarm(client: CloudWatchClient, names: string[]): Promise<string[]> {
  if (names.length === 0) {
    return [];
  }
  const asked = { AlarmNames: names, AlarmTypes: [AlarmType.MetricAlarm], StateValue: StateValue.ALARM };
  const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand(asked));
  return MetricAlarms.map(({ AlarmName }) => AlarmName!);
}
