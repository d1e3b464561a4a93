import { Grant, IRole } from 'aws-cdk-lib/aws-iam';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { acknowledgeResource } from '../shared/acknowledgements';

/** Lets `role` read exactly one object, and use its key when the bucket has one. @internal */
export function grantReadObject(bucket: IBucket, key: string, role: IRole): void {
  Grant.addToPrincipalOrResource({
    grantee: role,
    actions: ['s3:GetObject'],
    resourceArns: [bucket.arnForObjects(key)],
    resource: bucket,
  });
  bucket.encryptionKey?.grantDecrypt(role);
}

/** Lets `role` list and read what lies below `prefix`, which ends with a slash, and use the key of the bucket when it has one. @internal */
export function grantReadPrefix(bucket: IBucket, prefix: string, role: IRole, reason: string): void {
  const objects = bucket.arnForObjects(`${prefix}*`);
  const grant = { grantee: role, resource: bucket };
  Grant.addToPrincipalOrResource({ ...grant, actions: ['s3:GetObject'], resourceArns: [objects] });
  const conditions = { StringLike: { 's3:prefix': `${prefix}*` } };
  Grant.addToPrincipalOrResource({ ...grant, actions: ['s3:ListBucket'], resourceArns: [bucket.bucketArn], conditions });
  acknowledgeResource(role, objects, reason);
  bucket.encryptionKey?.grantDecrypt(role);
}
