import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { allowed } from '../view/role-view';
import { entries, get } from '../view/values';
/** A policy lets its holder invoke every model of the account. @internal */
export const invokeAnyEndpoint: Rule = {
  name: 'InvokeAnyEndpoint',
  mistake: Mistake.ARCHITECTURE_BYPASSED,
  level: NagMessageLevel.WARN,
  types: ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::Role'],
  what: 'a policy lets its holder invoke every model of the account',
  why: 'models of other teams are reached past their own front door, its limits and its books, and nobody can tell who depends on what',
  source: 'https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html',
  fix: 'name the endpoint: arn:<partition>:sagemaker:<region>:<account>:endpoint/<name in lower case>',
  finds: ({ type, properties }) => {
    const documents = type === 'AWS::IAM::Role' ? (entries(get(properties, 'Policies')) ?? []) : [properties];
    return documents
      .flatMap((policy) => allowed(get(policy, 'PolicyDocument')))
      .some(
        ({ actions, resources, conditional }) =>
          !conditional &&
          resources.some((arn) => arn === '*' || /:endpoint\/\*$/.test(arn)) &&
          actions.some((action) => /^sagemaker:Invoke/.test(action)),
      );
  },
};
