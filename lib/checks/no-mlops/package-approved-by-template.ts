import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { get, literal } from '../view/values';
/** A model version is approved by the template that registers it. @internal */
export const packageApprovedByTemplate: Rule = {
  name: 'PackageApprovedByTemplate',
  mistake: Mistake.NO_MLOPS,
  level: NagMessageLevel.WARN,
  types: ['AWS::SageMaker::ModelPackage'],
  what: 'a model version is approved by the template that registers it',
  why: 'approval is the gate between training and production; here nobody has looked at the figures of the model, and whatever listens to approvals deploys it',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-approve.html',
  fix: "register it as 'PendingManualApproval' and let a person or a quality gate approve it",
  finds: ({ properties }) => literal(get(properties, 'ModelApprovalStatus')) === 'Approved',
};
