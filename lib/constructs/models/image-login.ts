import { Validations } from 'aws-cdk-lib';
import { IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** Lets `role` log in to Amazon ECR; what it may pull is granted by repository. @internal */
export function grantLogin(role: IRole): void {
  role.addToPrincipalPolicy(new PolicyStatement({ sid: 'LogInToRegistries', actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }));
  acknowledgeLogin(role);
}

/** Says why a role that pulls images has a statement on every resource. @internal */
export function acknowledgeLogin(role: IRole): void {
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'ecr:GetAuthorizationToken knows no resource; what may be pulled is granted by repository.',
  });
}
