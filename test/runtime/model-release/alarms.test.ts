import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { inAlarm } from '../../../runtime/model-release/alarms';

const asked: unknown[] = [];
const client = {
  send: async ({ input }: DescribeAlarmsCommand) => {
    asked.push(input);
    return { MetricAlarms: [{ AlarmName: 'errors' }] };
  },
} as unknown as CloudWatchClient;

test('asks for metric alarms by name only: composite ones would take the right to see every alarm of the account [R7]', async () => {
  expect(await inAlarm(client, ['errors', 'latency'])).toEqual(['errors']);
  expect(await inAlarm(client, [])).toEqual([]);
  expect(asked).toEqual([{ AlarmNames: ['errors', 'latency'], AlarmTypes: ['MetricAlarm'], StateValue: 'ALARM' }]);
});
