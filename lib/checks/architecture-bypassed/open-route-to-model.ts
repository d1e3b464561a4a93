import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { entries, get, literal, written } from '../view/values';

const PUBLIC = ['EDGE', 'REGIONAL'];

/** Anybody on the internet may call a model through an API without authorization. @internal */
export const openRouteToModel: Rule = {
  name: 'OpenRouteToModel',
  mistake: Mistake.ARCHITECTURE_BYPASSED,
  level: NagMessageLevel.ERROR,
  types: ['AWS::ApiGateway::Method'],
  what: 'anybody on the internet may call a model through an API without authorization',
  why: 'each call costs time on an instance, and what the model tells cannot be taken back',
  source: 'https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html',
  fix: "set the method's AuthorizationType to AWS_IAM, COGNITO_USER_POOLS or CUSTOM, or make the API private",
  finds: (method, app) => {
    const [uri, authorization] = [written(get(method.properties, 'Integration', 'Uri')), get(method.properties, 'AuthorizationType')];
    const open =
      (authorization === undefined || literal(authorization) === 'NONE') && get(method.properties, 'ApiKeyRequired') === undefined;
    const api = app.apiOf(get(method.properties, 'RestApiId'));
    const types = entries(get(api?.properties, 'EndpointConfiguration', 'Types'));
    const closed =
      api === undefined ||
      get(api.properties, 'Policy') !== undefined ||
      types === undefined ||
      types.some((type) => !PUBLIC.includes(literal(type) ?? ''));
    return open && !closed && /:runtime\.sagemaker:path\//.test(uri ?? '');
  },
};
