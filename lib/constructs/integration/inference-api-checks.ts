import { Duration, SizeRoundingBehavior } from 'aws-cdk-lib';
import { mismatch, notWhole, outsideRange, unknownAtSynth } from '../shared/checks';
import type { InferenceApiProps } from './inference-api';
import { signatureProblems } from './model-signature';

/** Longest that a REST API waits for its integration. @internal */
export const REST_LIMIT = Duration.seconds(29);

/** Time of a request outside the model: reading the books, writing them, a cold start. @internal */
export const OVERHEAD = Duration.seconds(5);

/** @internal */
export function inferenceApiProblems(props: InferenceApiProps): string[] {
  const kibibytes = props.maximumRequest?.toKibibytes({ rounding: SizeRoundingBehavior.NONE });
  const lead = props.decisionLeadTime?.toSeconds({ integral: false });
  return [
    ...unknownAtSynth('endpointPrefix', props.endpointPrefix),
    ...mismatch(
      'endpointPrefix',
      props.endpointPrefix,
      /^[a-z0-9](-?[a-z0-9]){0,38}-$/,
      '2 to 40 lower-case letters, digits and single hyphens, ending with a hyphen',
    ),
    ...unknownAtSynth('apiName', props.apiName),
    ...mismatch('apiName', props.apiName, /^[a-z0-9][a-z0-9-]{0,59}$/, '1 to 60 lower-case letters, digits and hyphens'),
    ...mismatch('decisionOutput', props.decisionOutput, /^[\x21-\x7e]{1,100}$/, '1 to 100 printable ASCII characters without blanks'),
    ...outsideRange('decisionLeadTime (seconds)', lead, 0, 365 * 86400),
    ...modelTimeoutProblems(props.modelTimeout),
    ...outsideRange('maximumRequest (KiB)', kibibytes, 1, 4096),
    ...outsideRange('requestsPerSecond', props.requestsPerSecond, 1, 10_000),
    ...outsideRange('burst', props.burst, 1, 5000),
    ...notWhole('burst', props.burst),
    ...signatureProblems(props.signatures),
  ];
}

function modelTimeoutProblems(timeout: Duration | undefined): string[] {
  const seconds = timeout?.toSeconds({ integral: false });
  const longest = REST_LIMIT.toSeconds() - OVERHEAD.toSeconds();
  const problems = [...outsideRange('modelTimeout (seconds)', seconds, 1, longest), ...notWhole('modelTimeout (seconds)', seconds)];
  return problems.map(
    (problem) =>
      `${problem}: a REST API waits ${REST_LIMIT.toSeconds()} s and ${OVERHEAD.toSeconds()} s of them are ours; slower models need an asynchronous endpoint`,
  );
}
