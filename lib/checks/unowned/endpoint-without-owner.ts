import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { entries, get, literal } from '../view/values';
/** Nothing on the resource says who owns it. @internal */
export const endpointWithoutOwner: Rule = {
  name: 'EndpointWithoutOwner',
  mistake: Mistake.UNOWNED,
  level: NagMessageLevel.WARN,
  types: ['AWS::SageMaker::Endpoint', 'AWS::SageMaker::InferenceComponent', 'AWS::SageMaker::ModelPackageGroup'],
  what: 'nothing on the resource says who owns it',
  why: 'an alarm, a bill or a question at night goes to nobody',
  source: 'https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html',
  fix: "tag it with its team: Tags.of(scope).add('owner', '...')",
  finds: ({ properties }, _app, { ownerTags }) => {
    const tags = entries(get(properties, 'Tags'));
    const keys = tags?.map((tag) =>
      literal(get(tag, 'Key'))
        ?.toLowerCase()
        .replace(/^.*[:/]/, ''),
    );
    return keys !== undefined && !keys.includes(undefined) && !keys.some((key) => ownerTags.includes(key!));
  },
};
