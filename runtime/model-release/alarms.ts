import { AlarmType, CloudWatchClient, DescribeAlarmsCommand, StateValue } from '@aws-sdk/client-cloudwatch';

/** Which of the named alarms are in ALARM. At most ten roll a deployment back (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoRollbackConfig.html). */
export async function inAlarm(client: CloudWatchClient, names: string[]): Promise<string[]> {
  if (names.length === 0) {
    return [];
  }
  const types = [AlarmType.MetricAlarm, AlarmType.CompositeAlarm];
  const found = await client.send(new DescribeAlarmsCommand({ AlarmNames: names, AlarmTypes: types, StateValue: StateValue.ALARM }));
  return [...(found.MetricAlarms ?? []), ...(found.CompositeAlarms ?? [])].map(({ AlarmName }) => AlarmName!);
}
