import { Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { notWhole, outsideRange, unknownAtSynth } from '../../shared/checks';
import { addWarning, hostProblems, isUnguarded, physicalNameProblems, warnOfUnlisted } from '../endpoint/endpoint-checks';
import { ForeignProperties, foreignProblems, OF_QUEUES, OF_SERVERLESS } from '../endpoint/foreign-properties';
import { InstanceHostSettings } from '../endpoint/instance-endpoint';
import { supplyProblems } from '../endpoint/instance-supply';
import { routingProblems } from '../endpoint/routing';
import { InstanceType } from '../instance-type.generated';
import type { ComponentEndpointProps, HostedComponent } from './component-endpoint';
import { demands } from './compute';

/**
 * Regions that refused a minimum of 0 instances with "Min instance count needs to be greater than 0 for enabled managed instance scaling" in
 * August 2026 (https://github.com/stdapi-ai/stdapi.ai/pull/43). AWS publishes no list.
 */
const REFUSED_ZERO = ['eu-west-3'];

const GIVE_TO_COMPONENT = 'have no model of their own: give it to an InferenceComponent';

/** What other endpoints of this library have and instances that components share do not. */
const EXCLUDED: ForeignProperties = {
  model: GIVE_TO_COMPONENT,
  modelSize: GIVE_TO_COMPONENT,
  slo: GIVE_TO_COMPONENT,
  rollout: GIVE_TO_COMPONENT,
  modelDownloadTimeout: GIVE_TO_COMPONENT,
  startupTimeout: GIVE_TO_COMPONENT,
  scaling: "scale from 'minInstances' to 'maxInstances'",
  capture: 'keep no requests and answers',
  variants: 'serve several models by components',
  weight: 'serve several models by components',
  shadow: 'have no shadow',
  ...OF_QUEUES,
  ...OF_SERVERLESS,
};

/** Everything that is wrong with instances that components share, at once. @internal */
export function componentEndpointProblems(scope: Construct, props: ComponentEndpointProps, settings: InstanceHostSettings): string[] {
  const [min, max] = [props.minInstances ?? 1, props.maxInstances];
  return [
    ...foreignProblems('endpoints of components', props, EXCLUDED),
    ...physicalNameProblems('endpointName', props.endpointName),
    ...instanceCountProblems('minInstances', min, 0),
    ...instanceCountProblems('maxInstances', max, 1),
    ...(max < min && max >= 1 ? [`'maxInstances' of ${max} is below 'minInstances' of ${min}: swap them`] : []),
    ...hostProblems(scope, props, settings, max > min),
    ...supplyProblems(scope, props, settings.ami),
    ...smallerProblems(props),
    ...routingProblems(props),
    ...(props.scaleIn?._problems() ?? []),
    ...(props.scaleIn !== undefined && max === min
      ? [`'scaleIn' decides nothing for ${max} instances that never go: give a 'minInstances' below 'maxInstances', or leave it out`]
      : []),
  ];
}

/** What fits on `instance` must fit on what is taken instead of it. */
function smallerProblems({ instance, fallbackInstances = [] }: ComponentEndpointProps): string[] {
  const size = ({ _shape }: InstanceType) => (_shape === undefined ? [] : [_shape.accelerator?.count ?? 0, _shape.memoryMib, _shape.vcpus]);
  return fallbackInstances
    .filter((fallback) => size(fallback).some((amount, position) => amount < (size(instance)[position] ?? 0)))
    .map(
      ({ name }) =>
        `'fallbackInstances' ${name} is smaller than ${instance.name}: copies that fit on that may not fit on it; take a larger type`,
    );
}

/** What is legal but probably not meant. @internal */
export function warnOfComponentEndpoint(
  scope: Construct,
  { instance, fallbackInstances = [], minInstances }: ComponentEndpointProps,
): void {
  [instance, ...fallbackInstances].forEach((one) => warnOfUnlisted(scope, one));
  const { region } = Stack.of(scope);
  if (minInstances === 0 && REFUSED_ZERO.includes(region)) {
    addWarning(
      scope,
      'zero-instances',
      `${region} refused a minimum of 0 instances in August 2026: if the deployment says so, use minInstances: 1 there`,
    );
  }
  if (isUnguarded(instance)) {
    addWarning(scope, 'no-guardrails', `SageMaker updates ${instance.name} without a bake and without rollback by alarms`);
  }
}

/**
 * Problems when the fewest copies of all components do not fit together: SageMaker would leave the last ones in Creating, where they cannot be
 * deleted. A component starts with one copy even when it may rest at none.
 *
 * @internal
 */
export function crowdProblems(
  scope: Construct,
  instance: InstanceType,
  maxInstances: number,
  hosted: readonly HostedComponent[],
): string[] {
  const totals = new Map<string, { needed: number; there: number; of: string[] }>();
  for (const { name, placed } of hosted) {
    for (const demand of placed === undefined ? [] : demands(placed.compute, instance)) {
      const total = totals.get(demand.name) ?? { needed: 0, there: demand.perInstance * maxInstances, of: [] };
      total.needed += demand.perCopy * placed!.copies._initial;
      total.of.push(name);
      totals.set(demand.name, total);
    }
  }
  return [...totals]
    .filter(([, { needed, there }]) => needed > there)
    .map(
      ([what, { needed, there, of }]) =>
        `InvalidComponentEndpoint: the fewest copies of ${of.join(', ')} need ${needed} ${what}, but ${maxInstances} x ${instance.name} have ` +
        `${there}: raise 'maxInstances', take a larger type or have fewer copies [at ${scope.node.path}]`,
    );
}

/** A component is of the account and Region of its endpoint. @internal */
export function environmentProblems(scope: Construct, endpoint: Construct): string[] {
  const [here, there] = [Stack.of(scope).environment, Stack.of(endpoint).environment];
  return here === there ? [] : [`'endpoint' is in ${there} but the component in ${here}: put both into one account and Region`];
}

function instanceCountProblems(name: string, count: number, min: number): string[] {
  return Token.isUnresolved(count) ? unknownAtSynth(name, count) : [...notWhole(name, count), ...outsideRange(name, count, min, 1000)];
}
