import { AccountClient, runClient } from './account-client';

/** One state that an alarm reached. */
export interface AlarmState {
  readonly state: 'OK' | 'ALARM';
  /** ISO time, real clock. */
  readonly at: string;
  readonly reason: string;
}

/** An alarm's way OK -> ALARM -> OK through its own metrics. */
export interface AlarmOutcome {
  readonly alarm: string;
  readonly states: AlarmState[];
  /** Topics that were told, by state. */
  readonly notified: Partial<Record<'OK' | 'ALARM', string[]>>;
  readonly seconds: number;
  /** Why the alarm did not go the whole way; null when it did. */
  readonly problem: string | null;
}

/** Drives deployed alarms (metric, metric math or composite) OK -> ALARM -> OK at once; alarms that share a metric go one after another. */
export async function driveAlarms(account: AccountClient, alarmNames: string[], seconds = 600): Promise<AlarmOutcome[]> {
  return runClient<AlarmOutcome>(account, 'account.alarm_scenario', alarmNames, seconds);
}

/** Drives one alarm. */
export async function driveAlarm(account: AccountClient, alarmName: string, seconds = 600): Promise<AlarmOutcome> {
  const [outcome] = await driveAlarms(account, [alarmName], seconds);
  return outcome;
}
