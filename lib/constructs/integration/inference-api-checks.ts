import { Duration, Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import { mismatch, notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../shared/checks';
import { REST_LIMIT, restApiProblems } from '../shared/rest-api';
import type { InferenceApiProps } from './inference-api';
import { featureTimeoutProblems, signatureFeatureProblems } from './inference-api-features';
import { signatureProblems } from './model-signature';

/** Time of a request outside the model: reading the books, writing them, a cold start. @internal */
export const OVERHEAD = Duration.seconds(5);

/** @internal */
export function inferenceApiProblems(props: InferenceApiProps): string[] {
  return [
    ...unknownAtSynth('endpointPrefix', props.endpointPrefix),
    ...mismatch(
      'endpointPrefix',
      props.endpointPrefix,
      /^(?=.{2,40}$)[a-z0-9](-?[a-z0-9])*-$/,
      '2 to 40 lower-case letters, digits and single hyphens, ending with a hyphen',
    ),
    ...restApiProblems(props),
    ...mismatch('decisionOutput', props.decisionOutput, /^[\x21-\x7e]{1,100}$/, '1 to 100 printable ASCII characters without blanks'),
    ...leadTimeProblems(props.decisionLeadTime),
    ...modelTimeoutProblems(props.modelTimeout),
    ...requestProblems(props.maximumRequest),
    ...Object.keys(props.signatures ?? {}).flatMap((model) => routeNameProblems('signatures', model)),
    ...signatureProblems(props.signatures),
    ...signatureFeatureProblems(props.signatures, props.features),
    ...featureTimeoutProblems(props.featureTimeout),
  ];
}

/** Problem when no model can have this route name; the handlers answer 404 to it. @internal */
export function routeNameProblems(name: string, model: string | undefined): string[] {
  const shape = '1 to 40 lower-case letters, digits and inner single hyphens';
  return mismatch(name, model, /^(?=.{1,40}$)[a-z0-9](-?[a-z0-9])*$/, shape);
}

function leadTimeProblems(lead: Duration | undefined): string[] {
  if (lead === undefined || lead.isUnresolved()) {
    return unknownAmount('decisionLeadTime', lead);
  }
  const seconds = lead.toSeconds({ integral: false });
  return [...outsideRange('decisionLeadTime (seconds)', seconds, 0, 365 * 86400), ...notWhole('decisionLeadTime (seconds)', seconds)];
}

function requestProblems(size: Size | undefined): string[] {
  if (size === undefined || size.isUnresolved()) {
    return unknownAmount('maximumRequest', size);
  }
  const rounding = SizeRoundingBehavior.NONE;
  const problems = outsideRange('maximumRequest (KiB)', size.toKibibytes({ rounding }), 1, 4096);
  return [...problems, ...notWhole('maximumRequest (bytes)', size.toBytes({ rounding }))];
}

function modelTimeoutProblems(timeout: Duration | undefined): string[] {
  if (timeout === undefined || timeout.isUnresolved()) {
    return unknownAmount('modelTimeout', timeout);
  }
  const seconds = timeout.toSeconds({ integral: false });
  const longest = REST_LIMIT.toSeconds() - OVERHEAD.toSeconds();
  const problems = [...outsideRange('modelTimeout (seconds)', seconds, 1, longest), ...notWhole('modelTimeout (seconds)', seconds)];
  return problems.map(
    (problem) =>
      `${problem}: a REST API waits ${REST_LIMIT.toSeconds()} s and ${OVERHEAD.toSeconds()} s of them are ours; slower models need an asynchronous endpoint`,
  );
}
