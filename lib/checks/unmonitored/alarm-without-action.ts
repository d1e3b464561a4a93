import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { isSageMaker } from '../sagemaker-metrics';
import { alarmOf } from '../view/alarm-view';
import { entries, get, literal } from '../view/values';
/** An alarm on a model does nothing when it fires. @internal */
export const alarmWithoutAction: Rule = {
  name: 'AlarmWithoutAction',
  mistake: Mistake.UNMONITORED,
  level: NagMessageLevel.WARN,
  types: ['AWS::CloudWatch::Alarm'],
  what: 'an alarm on a model does nothing when it fires',
  why: 'it has no actions, no composite alarm and no rollback names it: nobody hears of it',
  source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html',
  fix: "give it an action, such as a topic of the endpoint's owner",
  finds: (alarm, app) => {
    const actions = entries(get(alarm.properties, 'AlarmActions'));
    const off = literal(get(alarm.properties, 'ActionsEnabled')) === 'false';
    return (
      alarmOf(alarm).metrics.some(({ namespace }) => isSageMaker(namespace)) &&
      ((actions !== undefined && actions.length === 0) || off) &&
      !app.isHeard(alarm)
    );
  },
};
