import { Duration, RemovalPolicy, Token, Validations } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  AuthorizationType,
  EndpointType,
  LogGroupLogDestination,
  MethodLoggingLevel,
  ResponseType,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { mismatch, notWhole, outsideRange, unknownAtSynth } from './checks';

/**
 * Longest that a REST API waits for its integration
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html).
 *
 * @internal
 */
export const REST_LIMIT = Duration.seconds(29);

/** @internal */
export interface RestApiProps {
  readonly apiName: string;
  readonly description: string;
  /** @default 100 */
  readonly requestsPerSecond?: number;
  /** @default - twice the rate, at most 5000; 5000 when the rate is a Token */
  readonly burst?: number;
  /**
   * Media types whose bodies functions get byte for byte, in Base64. Others are treated as text in UTF-8, and bytes that are none are lost
   * (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html).
   *
   * @default - none
   */
  readonly binaryMediaTypes?: string[];
}

/** Problems of what an API is given. @internal */
export function restApiProblems({ apiName, requestsPerSecond, burst }: Partial<RestApiProps>): string[] {
  return [
    ...unknownAtSynth('apiName', apiName),
    ...mismatch('apiName', apiName, /^[a-z0-9][a-z0-9-]{0,59}$/, '1 to 60 lower-case letters, digits and hyphens'),
    ...outsideRange('requestsPerSecond', requestsPerSecond, 1, 10_000),
    ...outsideRange('burst', burst, 1, 5000),
    ...notWhole('burst', burst),
  ];
}

/**
 * A regional REST API that takes signed requests of AWS principals only, throttled, logged and traced, whose own errors have the form
 * `{"error": "..."}`.
 *
 * @internal
 */
export function signedRestApi(scope: Construct, props: RestApiProps): RestApi {
  const { apiName, description, requestsPerSecond, burst, binaryMediaTypes } = props;
  const rate = requestsPerSecond ?? 100;
  const accessLogs = new LogGroup(scope, 'AccessLogs', { retention: RetentionDays.THREE_MONTHS, removalPolicy: RemovalPolicy.DESTROY });
  const api = new RestApi(scope, 'Resource', {
    restApiName: apiName,
    description,
    binaryMediaTypes,
    endpointTypes: [EndpointType.REGIONAL],
    cloudWatchRole: false,
    defaultMethodOptions: { authorizationType: AuthorizationType.IAM },
    deployOptions: {
      stageName: 'live',
      tracingEnabled: true,
      metricsEnabled: true,
      loggingLevel: MethodLoggingLevel.ERROR,
      dataTraceEnabled: false,
      accessLogDestination: new LogGroupLogDestination(accessLogs),
      accessLogFormat: AccessLogFormat.jsonWithStandardFields(),
      throttlingRateLimit: rate,
      throttlingBurstLimit: burst ?? (Token.isUnresolved(rate) ? 5000 : Math.min(5000, Math.ceil(2 * rate))),
    },
  });
  [ResponseType.DEFAULT_4XX, ResponseType.DEFAULT_5XX].forEach((type) =>
    api.addGatewayResponse(`Error${type.responseType}`, {
      type,
      responseHeaders: { 'x-correlation-id': 'context.requestId' },
      templates: { 'application/json': '{"error":$context.error.messageString}' },
    }),
  );
  acknowledgeApi(api);
  return api;
}

/** Lets `grantee` call routes such as `GET/v2/models`. @internal */
export function grantExecute(api: RestApi, grantee: IGrantable, routes: string[]): Grant {
  const stage = api.deploymentStage.stageName;
  const resourceArns = routes.map((route) => {
    const [, method, path] = /^([A-Z]+)(\/.*)$/.exec(route)!;
    return api.arnForExecuteApi(method, path, stage);
  });
  return Grant.addToPrincipal({ grantee, actions: ['execute-api:Invoke'], resourceArns });
}

function acknowledgeApi(api: RestApi): void {
  Validations.of(api).acknowledge(
    { id: 'AwsSolutions-COG4', reason: 'callers are AWS principals: every method uses IAM authorization' },
    {
      id: 'AwsSolutions-APIG3',
      reason:
        'only signed requests of principals with execute-api:Invoke get in; put a web ACL in front when anonymous clients can reach it',
    },
  );
}
