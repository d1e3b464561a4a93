import { Check, Problem } from '../check';
import { asList, literal, ofType, target } from '../template';

const BLOCKS = ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets'];

/** Buckets are private, say how they are encrypted, and refuse plain HTTP. */
export const buckets: Check = {
  name: 'buckets',
  run: ({ template }) => {
    const policies = ofType(template, 'AWS::S3::BucketPolicy').map(([, { Properties }]) => Properties);
    return ofType(template, 'AWS::S3::Bucket').flatMap(([resource, { Properties }]): Problem[] => {
      const own = policies.filter(
        ({ Bucket }) => target(Bucket) === resource || (literal(Bucket) !== undefined && Bucket === Properties.BucketName),
      );
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
      if (!own.some(({ PolicyDocument }) => asList(PolicyDocument?.Statement).some(refusesHttp))) {
        problems.push('no policy denies requests without TLS (aws:SecureTransport false) on the bucket and its objects');
      }
      return problems.map((problem) => ({ resource, problem }));
    });
  },
};

/** Denies every action, to everybody, on two resources: the bucket and what is in it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a policy statement
function refusesHttp(statement: any): boolean {
  const everybody = statement.Principal === '*' || asList(statement.Principal?.AWS).includes('*');
  const all = asList(statement.Action).some((action) => action === 's3:*' || action === '*');
  const insecure = String(statement.Condition?.Bool?.['aws:SecureTransport']) === 'false';
  const objects = asList(statement.Resource).some((resource) => JSON.stringify(resource).includes('/*'));
  return statement.Effect === 'Deny' && everybody && all && insecure && objects && asList(statement.Resource).length >= 2;
}
