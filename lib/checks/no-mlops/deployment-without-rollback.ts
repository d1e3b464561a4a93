import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { modeOf } from '../view/mode';
import { entries, get } from '../view/values';
/** A new version of the model takes all traffic, and no alarm takes it back. @internal */
export const deploymentWithoutRollback: Rule = {
  name: 'DeploymentWithoutRollback',
  mistake: Mistake.NO_MLOPS,
  level: NagMessageLevel.WARN,
  types: ['AWS::SageMaker::Endpoint'],
  what: 'a new version of the model takes all traffic, and no alarm takes it back',
  why: 'a version that answers wrongly or slowly stays until somebody notices; the deployment itself counts as a success',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html',
  fix: 'give DeploymentConfig an AutoRollbackConfiguration with alarms on errors and latency',
  finds: (endpoint, app) =>
    modeOf(app.configOf(endpoint)) === 'realtime' &&
    (get(endpoint.properties, 'DeploymentConfig', 'AutoRollbackConfiguration') === undefined ||
      entries(get(endpoint.properties, 'DeploymentConfig', 'AutoRollbackConfiguration', 'Alarms'))?.length === 0),
};
