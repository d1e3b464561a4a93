import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { Statement } from '../view/role-view';
import { entries, get, written } from '../view/values';
const TOO_WIDE = /\/(AmazonSageMakerFullAccess|AdministratorAccess|PowerUserAccess|AmazonS3FullAccess)$/;

/** Whole services, on everything. */
const everywhere = ({ actions, resources, conditional }: Statement): string[] =>
  resources.includes('*') && !conditional ? actions.filter((action) => /^(\*|[\w-]+:\*)$/.test(action)) : [];

/** A model's container runs with rights over the whole account. @internal */
export const modelRoleFullAccess: Rule = {
  name: 'ModelRoleFullAccess',
  mistake: Mistake.ARCHITECTURE_BYPASSED,
  level: NagMessageLevel.ERROR,
  types: ['AWS::SageMaker::Model', 'AWS::SageMaker::EndpointConfig'],
  what: "a model's container runs with rights over the whole account",
  why: 'code and weights of a model often come from outside; with this role they may read any bucket that SageMaker may, or anything at all',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/security-iam-awsmanpol.html',
  fix: "give ExecutionRoleArn a role that may read this model's artefact and image, and nothing else",
  finds: ({ properties }, app) => {
    const role = app.roleOf(get(properties, 'ExecutionRoleArn'));
    const managed = entries(get(role?.properties, 'ManagedPolicyArns')) ?? [];
    return [
      ...managed.map((arn) => TOO_WIDE.exec(written(arn) ?? '')?.[1]).filter((name) => name !== undefined),
      ...(app.statementsOf(get(properties, 'ExecutionRoleArn')) ?? []).flatMap(everywhere),
    ].filter((finding, i, all) => all.indexOf(finding) === i);
  },
};
