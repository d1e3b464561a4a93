import { createHash } from 'node:crypto';
import { CustomResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Grant, IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { withoutPolicyFindings } from '../shared/acknowledgements';
import { failOn } from '../shared/checks';
import { handlerFunction } from '../shared/handler-function';
import { approvedParameter, NO_VERSION } from './contract';
import { modelNameProblems } from './model-names';

/** Properties of an `ApprovedVersion`. */
export interface ApprovedVersionProps {
  /** Starts every physical name, `<workload>-<stage>`: 1 to 39 lower-case letters, digits and inner hyphens, known at synth. */
  readonly namePrefix: string;
  /** Route name of the model: 1 to 20 lower-case letters, digits and inner hyphens, known at synth. */
  readonly model: string;
  /**
   * What happens to the pointer when it leaves the stack. `DESTROY` deletes it only if this construct made it: one that was there before is
   * always kept.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** A parameter takes seconds; without this, AWS CloudFormation waits an hour for an answer that does not come. */
const TIMEOUT = Duration.minutes(5);

/**
 * The pointer to the approved version of a model: an SSM parameter that holds the ARN of a model package, and `none` at first.
 *
 * It is seeded once, where there is none, and not touched by this stack again: after that the release machine alone writes it. A parameter in
 * the template would be written again when a tag changes, and take the live endpoint down with `none`. It carries no tags for the same reason.
 * Costs: one function that runs when the pointer enters or leaves the stack. Serve it from another stack
 * (`ModelSource.fromRegistry`): the endpoint's stack reads it before it makes anything.
 */
export class ApprovedVersion extends Construct {
  /** Name of the parameter, `/<namePrefix>/models/<model>/approved`: a literal. */
  public readonly parameterName: string;
  /** ARN of the parameter. */
  public readonly parameterArn: string;

  constructor(scope: Construct, id: string, props: ApprovedVersionProps) {
    super(scope, id);
    failOn(this, 'InvalidApprovedVersion', modelNameProblems(props));
    this.parameterName = approvedParameter(props.namePrefix, props.model);
    this.parameterArn = parameterArn(this, this.parameterName);
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const removable = removalPolicy === RemovalPolicy.DESTROY;
    this.createSeed(this.createHandler(removable), removalPolicy, removable);
  }

  /** Lets `grantee` read this pointer, and no other. */
  public grantRead(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({ grantee, actions: ['ssm:GetParameter', 'ssm:GetParameters'], resourceArns: [this.parameterArn] });
  }

  private createHandler(removable: boolean): Lambda {
    const fn = handlerFunction(this, 'Handler', {
      handler: 'approved-version',
      description: `Seeds ${this.parameterName} where there is none`,
      timeout: Duration.minutes(1),
    });
    fn.addToRolePolicy(
      new PolicyStatement({
        sid: 'Seed',
        actions: ['ssm:PutParameter', ...(removable ? ['ssm:DeleteParameter'] : [])],
        resources: [this.parameterArn],
      }),
    );
    withoutPolicyFindings(fn);
    return fn;
  }

  /** Another name is another resource: the old pointer is left as its policy says, and the new one is seeded. */
  private createSeed(fn: Lambda, removalPolicy: RemovalPolicy, removable: boolean): void {
    const hash = createHash('sha256').update(this.parameterName).digest('hex').slice(0, 8);
    new CustomResource(this, `Seed${hash}`, {
      resourceType: 'Custom::ApprovedVersion',
      serviceToken: fn.functionArn,
      serviceTimeout: TIMEOUT,
      removalPolicy,
      properties: { ParameterName: this.parameterName, InitialValue: NO_VERSION, DeleteWhatItCreated: String(removable) },
    });
  }
}

/** @internal */
export function parameterArn(scope: Construct, parameterName: string): string {
  return Stack.of(scope).formatArn({ service: 'ssm', resource: 'parameter', resourceName: parameterName.slice(1) });
}
