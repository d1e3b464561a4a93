export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/** A datapoint of the evaluation range: within the threshold, beyond it, or missing. */
export const enum Point {
  Within,
  Breaching,
  Missing,
}

/**
 * Periods that are looked at beyond those that are evaluated, so that late or missing datapoints do no harm: AWS's tables look at five datapoints for
 * three evaluation periods.
 */
export const EXTRA_PERIODS = 2;

/**
 * The new state of an alarm with `periods` evaluation periods, `toAlarm` of which must breach, that treats missing data as missing, which is
 * what the alarms of target tracking and of the constructs do: "Configuring how CloudWatch alarms treat missing data"
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html). The local account has the same rules
 * (local/account/alarms/decision.py).
 *
 * @param points the evaluation range, oldest first
 */
export function alarmState(points: ArrayLike<Point>, periods: number, toAlarm: number): AlarmState {
  let [real, breaching, last, breachingLast, oldest] = [0, 0, 0, 0, 0];
  for (let place = points.length - 1; place >= 0; place--) {
    if (points[place] === Point.Missing) {
      continue;
    }
    const beyond = points[place] === Point.Breaching ? 1 : 0;
    real++;
    breaching += beyond;
    if (last < periods) {
      last++;
      breachingLast += beyond;
    }
    oldest = points.length - place;
  }
  if (real >= periods) {
    return breachingLast >= toAlarm ? 'ALARM' : 'OK';
  }
  if (breaching >= toAlarm) {
    return 'ALARM';
  }
  if (breaching < real) {
    return 'OK';
  }
  return real > 0 && oldest >= toAlarm ? 'ALARM' : 'INSUFFICIENT_DATA';
}
