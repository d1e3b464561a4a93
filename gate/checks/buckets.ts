import { Check, Problem } from '../check';
import { asList, literal, ofType } from '../template';
import { idIn, written } from '../text';

const BLOCKS = ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets'];

/** Buckets are private, say how they are encrypted, and refuse plain HTTP. */
export const buckets: Check = {
  name: 'buckets',
  run: ({ template }) => {
    const policies = ofType(template, 'AWS::S3::BucketPolicy').map(([, { Properties }]) => Properties);
    return ofType(template, 'AWS::S3::Bucket').flatMap(([resource, { Properties }]): Problem[] => {
      const isName = (text: string | undefined) =>
        text !== undefined && (idIn(text) === resource || text === written(Properties.BucketName));
      const own = policies.filter(({ Bucket }) => isName(written(Bucket)));
      const open = BLOCKS.filter((block) => String(literal(Properties.PublicAccessBlockConfiguration?.[block])) !== 'true');
      const problems: string[] = [];
      if (open.length > 0) {
        problems.push(`public access is not blocked: set ${open.join(', ')}`);
      }
      if (/^Public/.test(String(literal(Properties.AccessControl)))) {
        problems.push(`AccessControl is ${Properties.AccessControl}: everybody can read it`);
      }
      if (asList(Properties.BucketEncryption?.ServerSideEncryptionConfiguration).length === 0) {
        problems.push('BucketEncryption is not set: say how objects are encrypted');
      }
      if (!own.some(({ PolicyDocument }) => asList(PolicyDocument?.Statement).some((statement) => refusesHttp(statement, isName)))) {
        problems.push('no policy denies requests without TLS (aws:SecureTransport false) on the bucket and its objects');
      }
      return problems.map((problem) => ({ resource, problem }));
    });
  },
};

/** Denies every action, to everybody, whatever else the request holds, on the bucket and on what is in it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a policy statement
function refusesHttp(statement: any, isName: (text: string) => boolean): boolean {
  const everybody = statement.Principal === '*' || asList(statement.Principal?.AWS).includes('*');
  const all = asList(statement.Action).some((action) => action === 's3:*' || action === '*');
  const operators = Object.entries<Record<string, unknown>>(statement.Condition ?? {});
  const [operator, conditions] = operators[0] ?? ['', {}];
  const [key, value] = Object.entries(conditions)[0] ?? [''];
  const insecure =
    operators.length === 1 &&
    Object.keys(conditions).length === 1 &&
    /^Bool(IfExists)?$/.test(operator) &&
    key.toLowerCase() === 'aws:securetransport' &&
    String(value) === 'false';
  const covered = asList(statement.Resource).map((resource) => written(resource) ?? '');
  const covers = (end: string) =>
    covered.some((text) => text === '*' || (text.endsWith(end) && isBucket(text.slice(0, text.length - end.length), isName)));
  return statement.Effect === 'Deny' && everybody && all && insecure && covers('') && covers('/*');
}

/** An ARN as an attribute, or as a text that ends with the name. */
function isBucket(arn: string, isName: (text: string) => boolean): boolean {
  return isName(arn) || isName(arn.split(':::').pop()!);
}
