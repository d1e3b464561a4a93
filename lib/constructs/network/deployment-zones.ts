import { Fn, Stack } from 'aws-cdk-lib';
import { IpAddresses, Vpc, VpcProps } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';

const ZONES = 'availabilityZones';

/** Zones that the author of a stack chose by overriding `availabilityZones`; undefined for the answer of `Stack` itself. @internal */
export function chosenZones(stack: Stack): string[] | undefined {
  const own = Object.getOwnPropertyDescriptor(Stack.prototype, ZONES);
  for (let object: object | null = stack; object !== null; object = Object.getPrototypeOf(object)) {
    const found = Object.getOwnPropertyDescriptor(object, ZONES);
    if (found !== undefined) {
      return found.get === own?.get ? undefined : stack.availabilityZones;
    }
  }
  return undefined;
}

/**
 * A VPC over zones that the deployment finds (`Fn::GetAZs`).
 *
 * `Vpc` asks its stack. Where account and Region are known, `Stack` answers with a look-up, which needs credentials at synth and puts dummy
 * zones into the template when there are none; where they are open, with two zones, however many are asked for. So it is answered for.
 *
 * @internal
 */
export function vpcOfDeploymentZones(scope: Construct, id: string, zones: number, cidr: string, props: VpcProps): Vpc {
  const stack = Stack.of(scope);
  const complete = { ...props, ipAddresses: IpAddresses.cidr(cidr), maxAzs: zones };
  if (chosenZones(stack) !== undefined) {
    return new Vpc(scope, id, complete);
  }
  const value = Array.from({ length: zones }, (_, i) => Fn.select(i, Fn.getAzs()));
  Object.defineProperty(stack, ZONES, { value, configurable: true });
  try {
    return new Vpc(scope, id, complete);
  } finally {
    Reflect.deleteProperty(stack, ZONES);
  }
}
