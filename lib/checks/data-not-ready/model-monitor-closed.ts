import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';

/** Drift is to be found by SageMaker Model Monitor, which takes no new customers. @internal */
export const modelMonitorClosed: Rule = {
  name: 'ModelMonitorClosed',
  mistake: Mistake.DATA_NOT_READY,
  level: NagMessageLevel.WARN,
  types: ['AWS::SageMaker::MonitoringSchedule'],
  what: 'drift is to be found by SageMaker Model Monitor, which takes no new customers',
  why: 'in an account that has never used it, the schedule is refused; where it works, no features will be added',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-availability-change.html',
  fix: 'run a job of your own over the captured data on a schedule, or acknowledge this where the account may still use it',
  finds: () => true,
};
