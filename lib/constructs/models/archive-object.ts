import { Grant, IRole } from 'aws-cdk-lib/aws-iam';
import { IBucket } from 'aws-cdk-lib/aws-s3';

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
