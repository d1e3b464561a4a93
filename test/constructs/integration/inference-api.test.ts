import { Duration, Lazy, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { InferenceApi, InferenceApiProps, PredictionBus } from '../../../lib/constructs/integration';
import { synth, Synthesized } from '../../support/synth';

const build = (over: Partial<InferenceApiProps> = {}, more: (api: InferenceApi, stack: Stack) => void = () => undefined) =>
  synth((stack) => {
    const { bus } = new PredictionBus(stack, 'Bus', { busName: 'flights-dev' });
    const api = new InferenceApi(stack, 'Api', { endpointPrefix: 'flights-dev-', apiName: 'flights-dev', bus, ...over });
    more(api, stack);
    return api;
  });

let standard: Synthesized<InferenceApi>;
beforeAll(() => {
  standard = build();
});
const resources = (template: Template, type: string) => Object.values(template.findResources(type)).map(({ Properties }) => Properties);
const handlerOf = (template: Template, description: RegExp) =>
  resources(template, 'AWS::Lambda::Function').find(({ Description }) => description.test(Description))!;
const statements = (template: Template) =>
  resources(template, 'AWS::IAM::Policy').flatMap(({ PolicyDocument }) => PolicyDocument.Statement);

describe('InferenceApi [I1, I2]', () => {
  test('leaves no finding of cdk-nag, with and without a known Region', () => {
    expect(standard.nag).toEqual([]);
    const { nag } = synth(
      (stack) => {
        const { bus } = new PredictionBus(stack, 'Bus', { busName: 'b' });
        return new InferenceApi(stack, 'Api', { endpointPrefix: 'f-', bus });
      },
      { account: '111122223333', region: 'eu-central-1' },
    );
    expect(nag).toEqual([]);
  });

  test('asks every method for a signature of an AWS principal and checks its body', () => {
    const methods = resources(standard.template, 'AWS::ApiGateway::Method');
    expect(methods).toHaveLength(9);
    for (const method of methods) {
      expect(method).toMatchObject({ AuthorizationType: 'AWS_IAM', RequestValidatorId: expect.anything() });
    }
    const posts = methods.filter(({ HttpMethod }) => HttpMethod === 'POST');
    expect(posts.map(({ RequestModels }) => Object.keys(RequestModels))).toEqual([['application/json'], ['application/json']]);
    standard.template.hasResourceProperties('AWS::ApiGateway::RequestValidator', {
      ValidateRequestBody: true,
      ValidateRequestParameters: true,
    });
  });

  test('has the routes of the Open Inference Protocol and of feedback', () => {
    const byId = standard.template.findResources('AWS::ApiGateway::Resource');
    const path = (id: string): string => {
      const { PathPart, ParentId } = byId[id].Properties;
      return `${ParentId.Ref === undefined ? '' : path(ParentId.Ref)}/${PathPart}`;
    };
    const routes = resources(standard.template, 'AWS::ApiGateway::Method').map(
      ({ HttpMethod, ResourceId }) => `${HttpMethod} ${path(ResourceId.Ref)}`,
    );
    expect(routes.sort()).toEqual([
      'GET /v2',
      'GET /v2/health/live',
      'GET /v2/health/ready',
      'GET /v2/models/{model}',
      'GET /v2/models/{model}/predictions',
      'GET /v2/models/{model}/predictions/{id}',
      'GET /v2/models/{model}/ready',
      'POST /v2/models/{model}/infer',
      'POST /v2/models/{model}/predictions/{id}/feedback',
    ]);
  });

  test('is regional, throttled, traced and logged, and leaves the logging role of the account alone', () => {
    const { template } = standard;
    template.hasResourceProperties('AWS::ApiGateway::RestApi', { Name: 'flights-dev', EndpointConfiguration: { Types: ['REGIONAL'] } });
    template.hasResourceProperties('AWS::ApiGateway::Stage', {
      StageName: 'live',
      TracingEnabled: true,
      AccessLogSetting: { Format: Match.stringLikeRegexp('"requestId":"\\$context.requestId"') },
      MethodSettings: [
        Match.objectLike({
          HttpMethod: '*',
          LoggingLevel: 'ERROR',
          DataTraceEnabled: false,
          ThrottlingRateLimit: 100,
          ThrottlingBurstLimit: 200,
        }),
      ],
    });
    template.resourceCountIs('AWS::ApiGateway::Account', 0);
  });

  test('answers in the error form of the protocol even where no function runs', () => {
    for (const ResponseType of ['DEFAULT_4XX', 'DEFAULT_5XX']) {
      standard.template.hasResourceProperties('AWS::ApiGateway::GatewayResponse', {
        ResponseType,
        ResponseTemplates: { 'application/json': '{"error":$context.error.messageString}' },
      });
    }
  });

  test('waits for the model 20 s by default, for the function 5 s more and for the integration 29 s', () => {
    const infer = handlerOf(standard.template, /asks the model/);
    expect(infer).toMatchObject({ Timeout: 25, Environment: { Variables: { MODEL_TIMEOUT_MS: '20000' } } });
    standard.template.hasResourceProperties('AWS::ApiGateway::Method', { Integration: { TimeoutInMillis: 29000 } });
  });

  test('gives its functions what they need', () => {
    const { template } = build({
      decisionOutput: 'warn',
      decisionLeadTime: Duration.minutes(60),
      labelWindow: Duration.hours(1),
      maximumRequest: Size.kibibytes(1),
      signatures: { delay: { inputs: [{ name: 'a', datatype: 'FP64', shape: [1] }], outputs: [] } },
    });
    expect(handlerOf(template, /asks the model/).Environment.Variables).toMatchObject({
      API_NAME: 'flights-dev',
      ENDPOINT_PREFIX: 'flights-dev-',
      DECISION_OUTPUT: 'warn',
      DECISION_LEAD_SECONDS: '3600',
      LABEL_WINDOW_SECONDS: '3600',
      MAXIMUM_REQUEST_BYTES: '1024',
      MODEL_SIGNATURES: '{"delay":{"inputs":[{"name":"a","datatype":"FP64","shape":[1]}],"outputs":[]}}',
    });
    expect(handlerOf(template, /Ends predictions/).Environment.Variables).toMatchObject({
      LABEL_WINDOW_SECONDS: '3600',
      COVERAGE_DAYS: '7',
    });
  });

  test('gives every function that needs the time the workload clock of a replay, and may read it', () => {
    const { template } = synth((stack) => {
      const clockParameter = new StringParameter(stack, 'Clock', { stringValue: 'real' });
      const { bus } = new PredictionBus(stack, 'Bus', { busName: 'b' });
      return new InferenceApi(stack, 'Api', { endpointPrefix: 'f-', bus, clockParameter });
    });
    for (const description of [/asks the model/, /Joins ground truth/, /Ends predictions/]) {
      expect(handlerOf(template, description).Environment.Variables).toHaveProperty('WORKLOAD_CLOCK_PARAMETER');
    }
    expect(statements(template).filter(({ Action }) => [Action].flat().includes('ssm:GetParameter'))).toHaveLength(3);
  });
});

describe('permissions of an InferenceApi', () => {
  test('reach the endpoints of the prefix and no other', () => {
    expect(statements(standard.template)).toContainEqual({
      Effect: 'Allow',
      Action: ['sagemaker:InvokeEndpoint', 'sagemaker:DescribeEndpoint'],
      Resource: {
        'Fn::Join': [
          '',
          [
            'arn:',
            { Ref: 'AWS::Partition' },
            ':sagemaker:',
            { Ref: 'AWS::Region' },
            ':',
            { Ref: 'AWS::AccountId' },
            ':endpoint/flights-dev-*',
          ],
        ],
      },
    });
  });

  test('name tables and the one index exactly', () => {
    const tables = statements(standard.template).filter(({ Action }) => [Action].flat().some((action) => action.startsWith('dynamodb:')));
    const actions = new Set(tables.flatMap(({ Action }) => Action));
    expect([...actions].filter((action) => action.includes('*') || action.includes('Delete') || action.includes('Scan'))).toEqual([]);
    expect(tables).toContainEqual({
      Effect: 'Allow',
      Action: 'dynamodb:Query',
      Resource: { 'Fn::Join': ['', [{ 'Fn::GetAtt': [expect.stringMatching(/^ApiBooksPredictions/), 'Arn'] }, '/index/open']] },
    });
  });

  const role = (stack: Stack) => new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  const paths = (template: Template) => {
    const { PolicyDocument } = resources(template, 'AWS::IAM::Policy').find(({ PolicyName }) => /Caller/.test(PolicyName))!;
    expect(PolicyDocument.Statement[0]).toMatchObject({ Effect: 'Allow', Action: 'execute-api:Invoke' });
    return PolicyDocument.Statement[0].Resource.map((arn: { 'Fn::Join': [string, unknown[]] }) =>
      arn['Fn::Join'][1].map((part) => (typeof part === 'string' ? part : '')).join(''),
    ).map((arn: string) => arn.slice(arn.lastIndexOf('execute-api')).replace(/^[^/]*\//, '/'));
  };

  test('grantInvoke lets somebody ask one model', () => {
    const { template } = build({}, (api, stack) => api.grantInvoke(role(stack), 'delay'));
    expect(paths(template)).toEqual(['//POST/v2/models/delay/infer', '//GET/v2/models/delay', '//GET/v2/models/delay/ready']);
  });

  test.each(['', 'Delay', 'a--b', '-a', 'a/b', 'a*', 'a'.repeat(41)])(
    "fails on a grant for the model '%s', which no route has",
    (model) => {
      for (const grant of ['grantInvoke', 'grantFeedback'] as const) {
        expect(() => build({}, (api, stack) => api[grant](role(stack), model))).toThrow(
          `InvalidGrant: 'model' must be 1 to 40 lower-case letters, digits and inner single hyphens, got '${model}' [at Test/Api]`,
        );
      }
    },
  );

  test.each(['a', 'a-1', 'a'.repeat(40)])("grants the model '%s', and one that is a Token", (model) => {
    const { template } = build({}, (api, stack) => api.grantInvoke(role(stack), model));
    expect(paths(template)[1]).toBe(`//GET/v2/models/${model}`);
    expect(() => build({}, (api, stack) => api.grantInvoke(role(stack), text()))).not.toThrow();
  });

  test('grantInvoke without a model lets somebody ask all of them', () => {
    const { template } = build({}, (api, stack) => api.grantInvoke(role(stack)));
    expect(paths(template)[0]).toBe('//POST/v2/models/*/infer');
  });

  test('grantFeedback lets somebody post ground truth and read the books, but not infer', () => {
    const { template } = build({}, (api, stack) => api.grantFeedback(role(stack)));
    expect(paths(template)).toEqual([
      '//POST/v2/models/*/predictions/*/feedback',
      '//GET/v2/models/*/predictions',
      '//GET/v2/models/*/predictions/*',
    ]);
  });
});

describe('the books of an InferenceApi [I6]', () => {
  test('are two encrypted, recoverable, retained tables, the first with a stream and an index of open predictions', () => {
    const { template } = standard;
    template.allResources('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: Match.objectLike({
        SSESpecification: { SSEEnabled: true },
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      }),
    });
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
      GlobalSecondaryIndexes: [
        {
          IndexName: 'open',
          KeySchema: [
            { AttributeName: 'openShard', KeyType: 'HASH' },
            { AttributeName: 'expiresAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['model', 'eventTime'] },
        },
      ],
    });
  });

  test('go with the stack where the caller says so', () => {
    build({ removalPolicy: RemovalPolicy.DESTROY }).template.allResources('AWS::DynamoDB::Table', { DeletionPolicy: 'Delete' });
  });

  test('are announced from their stream, again and again until the bus took it, or else kept in a queue', () => {
    standard.template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      StartingPosition: 'TRIM_HORIZON',
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 20,
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    });
  });

  test('are looked through for expired predictions every 5 minutes', () => {
    standard.template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(5 minutes)' });
  });
});

describe('alarms of an InferenceApi [O1]', () => {
  const alarm = (name: string) => resources(standard.template, 'AWS::CloudWatch::Alarm').find(({ AlarmName }) => AlarmName === name)!;

  test('page once for whatever breaks the API itself, and never for a model that is down', () => {
    const [composite] = resources(standard.template, 'AWS::CloudWatch::CompositeAlarm');
    expect(composite).toMatchObject({
      AlarmName: 'flights-dev-api-broken',
      AlarmDescription: expect.stringContaining('[integration/page]'),
    });
    expect(JSON.stringify(composite.AlarmRule).match(/ALARM\(/g)).toHaveLength(5);
    expect(JSON.stringify(standard.template.toJSON())).not.toContain('5XXError');
    for (const cause of ['faults', 'infer-crashes', 'infer-throttled', 'feedback-crashes', 'feedback-throttled']) {
      expect(alarm(`flights-dev-api-${cause}`)).toMatchObject({
        Threshold: 1,
        Period: 300,
        EvaluationPeriods: 3,
        DatapointsToAlarm: 2,
        TreatMissingData: 'notBreaching',
        Statistic: 'Sum',
      });
    }
    expect(alarm('flights-dev-api-faults')).toMatchObject({
      Namespace: 'AiWorkloads',
      MetricName: 'ApiFault',
      Dimensions: [{ Name: 'Api', Value: 'flights-dev' }],
    });
  });

  test('tell of low label coverage, but only once enough predictions are closed [I6]', () => {
    expect(alarm('flights-dev-label-coverage-low')).toMatchObject({
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 90,
      TreatMissingData: 'notBreaching',
      Metrics: [
        expect.objectContaining({ Expression: 'IF(base >= 100, coverage)' }),
        expect.objectContaining({ Id: 'base', MetricStat: expect.objectContaining({ Stat: 'Minimum', Period: 3600 }) }),
        expect.objectContaining({ Id: 'coverage', MetricStat: expect.objectContaining({ Stat: 'Average', Period: 3600 }) }),
      ],
    });
  });

  test('tell of predictions that are not announced and of an expiry that fails', () => {
    expect(alarm('flights-dev-predictions-unannounced')).toMatchObject({ MetricName: 'ApproximateNumberOfMessagesVisible', Threshold: 1 });
    expect(alarm('flights-dev-predictions-expiry-failing')).toMatchObject({ MetricName: 'Errors', Namespace: 'AWS/Lambda', Threshold: 3 });
  });
});

test.each([
  ['predictions', 'Predictions', 'Sum'],
  ['modelUnavailable', 'ModelUnavailable', 'Sum'],
  ['apiFaults', 'ApiFault', 'Sum'],
  ['modelTimeInMilliseconds', 'ModelTime', 'p99'],
  ['labelled', 'PredictionsLabelled', 'Sum'],
  ['expired', 'PredictionsExpired', 'Sum'],
  ['open', 'PredictionsOpen', 'Maximum'],
  ['feedbackConflicts', 'FeedbackConflict', 'Sum'],
  ['feedbackLate', 'FeedbackLate', 'Sum'],
  ['labelCoverage', 'LabelCoverage', 'Average'],
] as const)('the metric %s is %s, %s, by API and without a unit that would hide it', (method, metricName, statistic) => {
  const { namespace, metricName: name, dimensions, statistic: stat, unit } = standard.built.metrics[method]();
  expect({ namespace, name, dimensions, stat, unit }).toEqual({
    namespace: 'AiWorkloads',
    name: metricName,
    dimensions: { Api: 'flights-dev' },
    stat: statistic,
    unit: undefined,
  });
});

const number = () => Lazy.number({ produce: () => 7 });
const text = () => Lazy.string({ produce: () => 'a-' });

describe('checks of an InferenceApi', () => {
  /** Signatures that take exactly this many bytes as JSON. */
  const signatures = (bytes: number) => {
    const of = (name: string) => ({ delay: { inputs: [{ name, datatype: 'FP64', shape: [1] }], outputs: [] } });
    return of('x'.repeat(bytes - JSON.stringify(of('')).length));
  };
  const rest = 'a REST API waits 29 s and 5 s of them are ours; slower models need an asynchronous endpoint';
  const unknown = (name: string) => `'${name}' must be known at synth, got a Token: give a plain value`;

  test.each<[Partial<InferenceApiProps>, string]>([
    [
      { endpointPrefix: 'flights' },
      "'endpointPrefix' must be 2 to 40 lower-case letters, digits and single hyphens, ending with a hyphen, got 'flights'",
    ],
    [{ endpointPrefix: '-' }, "'endpointPrefix' must be 2 to 40"],
    [{ endpointPrefix: `${'a'.repeat(40)}-` }, "'endpointPrefix' must be 2 to 40"],
    [{ endpointPrefix: `${'a-'.repeat(20)}a-` }, "'endpointPrefix' must be 2 to 40"],
    [{ endpointPrefix: text() }, unknown('endpointPrefix')],
    [{ apiName: 'Flights' }, "'apiName' must be 1 to 60 lower-case letters, digits and hyphens, got 'Flights'"],
    [{ apiName: '' }, "'apiName' must be 1 to 60"],
    [{ apiName: 'a'.repeat(61) }, "'apiName' must be 1 to 60"],
    [{ apiName: text() }, unknown('apiName')],
    [{ decisionOutput: '' }, "'decisionOutput' must be 1 to 100 printable ASCII characters"],
    [{ decisionOutput: 'a b' }, "'decisionOutput' must be 1 to 100 printable ASCII characters"],
    [{ decisionOutput: 'a'.repeat(101) }, "'decisionOutput' must be 1 to 100 printable ASCII characters"],
    [{ decisionLeadTime: Duration.seconds(365 * 86400 + 1) }, "'decisionLeadTime (seconds)' must be between 0 and 31536000"],
    [{ decisionLeadTime: Duration.millis(500) }, "'decisionLeadTime (seconds)' must be a whole number, got 0.5"],
    [{ decisionLeadTime: Duration.seconds(number()) }, unknown('decisionLeadTime')],
    [{ modelTimeout: Duration.seconds(25) }, `'modelTimeout (seconds)' must be between 1 and 24, got 25: ${rest}`],
    [{ modelTimeout: Duration.millis(500) }, "'modelTimeout (seconds)' must be between 1 and 24, got 0.5"],
    [{ modelTimeout: Duration.millis(1500) }, "'modelTimeout (seconds)' must be a whole number, got 1.5"],
    [{ modelTimeout: Duration.seconds(number()) }, unknown('modelTimeout')],
    [{ maximumRequest: Size.kibibytes(4097) }, "'maximumRequest (KiB)' must be between 1 and 4096, got 4097"],
    [{ maximumRequest: Size.bytes(1023) }, "'maximumRequest (KiB)' must be between 1 and 4096"],
    [{ maximumRequest: Size.kibibytes(1.0001) }, "'maximumRequest (bytes)' must be a whole number"],
    [{ maximumRequest: Size.kibibytes(number()) }, unknown('maximumRequest')],
    [{ requestsPerSecond: 0.9 }, "'requestsPerSecond' must be between 1 and 10000, got 0.9"],
    [{ requestsPerSecond: 10_001 }, "'requestsPerSecond' must be between 1 and 10000, got 10001"],
    [{ burst: 0 }, "'burst' must be between 1 and 5000, got 0"],
    [{ burst: 5001 }, "'burst' must be between 1 and 5000, got 5001"],
    [{ burst: 1.5 }, "'burst' must be a whole number, got 1.5"],
    [{ labelWindow: Duration.seconds(3599) }, "'labelWindow (seconds)' must be between 3600 and 31536000, got 3599 [at Test/Api/Books]"],
    [{ minimumLabelCoverage: 101 }, "'minimumLabelCoverage' must be between 0 and 100, got 101"],
    [{ signatures: signatures(2501) }, "'signatures' take 2501 bytes of the function's environment, at most 2500 fit"],
  ])('fails on %j and says what is allowed [row 150]', (over, message) => {
    expect(() => build(over)).toThrow(message);
  });

  test('fails with everything at once', () => {
    expect(() => build({ endpointPrefix: 'X', burst: 0 })).toThrow(
      /^InvalidInferenceApi: 'endpointPrefix'.*; 'burst' must be .* \[at Test\/Api\]$/,
    );
  });

  test('takes the largest of everything', () => {
    const { template, built } = build({
      endpointPrefix: `${'a'.repeat(39)}-`,
      apiName: 'a'.repeat(60),
      decisionOutput: 'a'.repeat(100),
      decisionLeadTime: Duration.days(365),
      modelTimeout: Duration.seconds(24),
      maximumRequest: Size.mebibytes(4),
      labelWindow: Duration.days(365),
      minimumLabelCoverage: 100,
      requestsPerSecond: 10_000,
      burst: 5000,
      signatures: signatures(2500),
    });
    expect(built.apiName).toHaveLength(60);
    expect(handlerOf(template, /asks the model/).Environment.Variables).toMatchObject({
      DECISION_LEAD_SECONDS: '31536000',
      LABEL_WINDOW_SECONDS: '31536000',
      MAXIMUM_REQUEST_BYTES: '4194304',
      MODEL_TIMEOUT_MS: '24000',
    });
    const bytes = Object.entries(handlerOf(template, /asks the model/).Environment.Variables)
      .map(([name, value]) => name.length + (typeof value === 'string' ? value.length : 100))
      .reduce((sum, size) => sum + size, 0);
    expect(bytes).toBeLessThan(4096); // [row 164]
  });

  test('takes the smallest of everything, and then raises no alarm on label coverage', () => {
    const { template } = build({
      endpointPrefix: 'a-',
      apiName: 'a',
      decisionOutput: 'w',
      decisionLeadTime: Duration.seconds(0),
      modelTimeout: Duration.seconds(1),
      maximumRequest: Size.kibibytes(1),
      labelWindow: Duration.hours(1),
      minimumLabelCoverage: 0,
      requestsPerSecond: 1,
      burst: 1,
      signatures: {},
    });
    template.hasResourceProperties('AWS::ApiGateway::Stage', {
      MethodSettings: [Match.objectLike({ ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1 })],
    });
    template.resourcePropertiesCountIs('AWS::CloudWatch::Alarm', { AlarmName: 'a-label-coverage-low' }, 0);
  });

  test('takes Tokens where the deployment may decide', () => {
    const { template } = build({ requestsPerSecond: number(), decisionOutput: text() });
    template.hasResourceProperties('AWS::ApiGateway::Stage', {
      MethodSettings: [Match.objectLike({ ThrottlingRateLimit: 7, ThrottlingBurstLimit: 5000 })],
    });
    expect(handlerOf(template, /asks the model/).Environment.Variables.DECISION_OUTPUT).toBe('a-');
    build({ burst: number() }).template.hasResourceProperties('AWS::ApiGateway::Stage', {
      MethodSettings: [Match.objectLike({ ThrottlingRateLimit: 100, ThrottlingBurstLimit: 7 })],
    });
  });
});
