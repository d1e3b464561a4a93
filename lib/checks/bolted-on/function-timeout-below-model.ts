import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { get, numeric } from '../view/values';
/** Seconds (https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html). */
const DEFAULT_SECONDS = 3;
const INVOKES = ['sagemaker:InvokeEndpoint', 'sagemaker:InvokeEndpointWithResponseStream'];

/** A function that invokes a model gives up after 3 seconds, the default of AWS Lambda. @internal */
export const functionTimeoutBelowModel: Rule = {
  name: 'FunctionTimeoutBelowModel',
  mistake: Mistake.BOLTED_ON,
  level: NagMessageLevel.WARN,
  types: ['AWS::Lambda::Function'],
  what: 'a function that invokes a model gives up after 3 seconds, the default of AWS Lambda',
  why: 'a model may take up to 60 seconds to answer; the caller sees an error for a prediction that was made and paid for, and its retry makes another',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html',
  fix: "set the function's timeout above the latency that the endpoint promises, or invoke an asynchronous endpoint",
  finds: ({ properties }, app) => {
    const timeout = get(properties, 'Timeout');
    const short = timeout === undefined || (numeric(timeout) ?? DEFAULT_SECONDS + 1) <= DEFAULT_SECONDS;
    return (
      short && (app.statementsOf(get(properties, 'Role')) ?? []).some(({ actions }) => actions.some((action) => INVOKES.includes(action)))
    );
  },
};
