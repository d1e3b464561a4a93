import { CfnEndpointConfig } from 'aws-cdk-lib/aws-sagemaker';
import { notWhole, outsideRange, unknownAtSynth } from '../../shared/checks';

/** Which instance or copy takes the next request. */
export enum RoutingStrategy {
  /** That with the fewest requests in work: a long answer does not queue others behind it. */
  LEAST_OUTSTANDING_REQUESTS = 'LEAST_OUTSTANDING_REQUESTS',
  /** Any: for many short requests of equal work. */
  RANDOM = 'RANDOM',
}

/**
 * Sends requests that begin alike to the same instance, which has the beginning in its cache already: for prompts with a long common part
 * (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-sagemaker-endpointconfig-prefixawareroutingconfig.html).
 */
export interface PrefixAwareRouting {
  /**
   * How much of the beginning decides: bytes of the body, or characters of the messages of a chat API. A whole number from 1,024 to 65,536, enough for
   * what is common and something that is not.
   */
  readonly prefixLength: number;
  /** Requests in work from which on the next one goes elsewhere, a whole number from 1 to 1,024. */
  readonly concurrencyThreshold: number;
}

/** How requests find an instance or a copy. */
export interface RoutingProps {
  /**
   * Which instance or copy takes the next request
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantRoutingConfig.html).
   *
   * @default - LEAST_OUTSTANDING_REQUESTS: at random, which is the choice of SageMaker, some instances queue while others idle
   */
  readonly routing?: RoutingStrategy;
  /**
   * Sends requests that begin alike to the same instance, instead of `routing`.
   *
   * @default - none
   */
  readonly prefixAwareRouting?: PrefixAwareRouting;
}

/** @internal */
export function routingProblems({ routing, prefixAwareRouting }: RoutingProps): string[] {
  if (prefixAwareRouting === undefined) {
    return [];
  }
  const { prefixLength, concurrencyThreshold } = prefixAwareRouting;
  const whole = (name: string, value: number, least: number, most: number) => [
    ...unknownAtSynth(`prefixAwareRouting.${name}`, value),
    ...notWhole(`prefixAwareRouting.${name}`, value),
    ...outsideRange(`prefixAwareRouting.${name}`, value, least, most),
  ];
  return [
    ...(routing === undefined ? [] : ["'routing' and 'prefixAwareRouting' are two strategies: give one of them"]),
    ...whole('prefixLength', prefixLength, 1024, 65_536),
    ...whole('concurrencyThreshold', concurrencyThreshold, 1, 1024),
  ];
}

/** What to deploy. @internal */
export function routingConfig({ routing, prefixAwareRouting }: RoutingProps): CfnEndpointConfig.RoutingConfigProperty {
  if (prefixAwareRouting !== undefined) {
    const { prefixLength, concurrencyThreshold } = prefixAwareRouting;
    return { routingStrategy: 'PREFIX_AWARE', prefixAwareRoutingConfig: { prefixLength, concurrencyThreshold } };
  }
  return { routingStrategy: routing ?? RoutingStrategy.LEAST_OUTSTANDING_REQUESTS };
}
