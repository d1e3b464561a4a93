import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { IBucket } from 'aws-cdk-lib/aws-s3';

/** Exactly these actions on exactly these resources: the grants that tables and buckets give cover more. @internal */
export function allow(grantee: IGrantable, actions: string[], ...resourceArns: string[]): Grant {
  return Grant.addToPrincipal({ grantee, actions, resourceArns });
}

/** Lets `grantee`, who may be of another account, read versions of the objects whose keys match. @internal */
export function allowRead(grantee: IGrantable, bucket: IBucket, ...patterns: string[]): Grant {
  const resourceArns = patterns.map((pattern) => bucket.arnForObjects(pattern));
  const actions = ['s3:GetObject', 's3:GetObjectVersion'];
  const grant = Grant.addToPrincipalOrResource({ grantee, actions, resourceArns, resource: bucket });
  return withKey(grant, bucket, grantee, 'kms:Decrypt');
}

/**
 * Lets `grantee`, who may be of another account, write objects whose keys match, in one piece or in parts. Parts of an encrypted object are
 * decrypted when it is completed (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions).
 *
 * @internal
 */
export function allowWrite(grantee: IGrantable, bucket: IBucket, ...patterns: string[]): Grant {
  const resourceArns = patterns.map((pattern) => bucket.arnForObjects(pattern));
  const actions = ['s3:PutObject', 's3:AbortMultipartUpload'];
  const grant = Grant.addToPrincipalOrResource({ grantee, actions, resourceArns, resource: bucket });
  return withKey(grant, bucket, grantee, 'kms:GenerateDataKey', 'kms:Decrypt');
}

function withKey(grant: Grant, { encryptionKey }: IBucket, grantee: IGrantable, ...actions: string[]): Grant {
  return encryptionKey === undefined ? grant : grant.combine(encryptionKey.grant(grantee, ...actions));
}
