import { Duration, Lazy, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { IResource, LambdaIntegration, Model, RequestValidator, RestApi } from 'aws-cdk-lib/aws-apigateway';
import { IEventBus } from 'aws-cdk-lib/aws-events';
import { Grant, IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { IStringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { FEATURE_ENV } from '../data/features/contract';
import { FeatureStore } from '../data/features/feature-store';
import { acknowledgeResource } from '../shared/acknowledgements';
import { failOn } from '../shared/checks';
import { handlerFunction } from '../shared/handler-function';
import { generatedName } from '../shared/names';
import { grantExecute, REST_LIMIT, signedRestApi } from '../shared/rest-api';
import { ENV } from './contract';
import { registerApiAlarms, registerFeatureAlarm } from './inference-api-alarms';
import { inferenceApiProblems, OVERHEAD, routeNameProblems } from './inference-api-checks';
import { FEATURE_TIMEOUT, signatureFeatureProblems } from './inference-api-features';
import { InferenceApiMetrics } from './inference-api-metrics';
import { FEEDBACK, INFERENCE_REQUEST } from './inference-api-models';
import { ModelSignature, signatureProblems, signaturesJson } from './model-signature';
import { PredictionBooks } from './prediction-books';

/** Properties of an `InferenceApi`. */
export interface InferenceApiProps {
  /**
   * Start of the endpoint names: the route `/v2/models/{model}/infer` reaches the endpoint `<endpointPrefix><model>`, and the API may
   * call no other. 2 to 40 lower-case letters, digits and single hyphens, ending with a hyphen, known at synth.
   */
  readonly endpointPrefix: string;
  /** Bus that hears of every prediction made, labelled and expired. */
  readonly bus: IEventBus;
  /**
   * Name of the API, start of its alarm names and value of the dimension `Api`: 1 to 60 lower-case letters, digits and hyphens, known at
   * synth.
   *
   * @default - generated from the construct path
   */
  readonly apiName?: string;
  /**
   * Output tensor (BOOL, one element) that holds the decision of a prediction: 1 to 100 printable ASCII characters without blanks.
   * Objectives count it against the ground truth.
   *
   * @default - answers hold no decision
   */
  readonly decisionOutput?: string;
  /**
   * A positive decision counts as a hit only when it was made at least this long before its event: whole seconds up
   * to 365 days, known at synth.
   *
   * @default Duration.seconds(0) - any time
   */
  readonly decisionLeadTime?: Duration;
  /**
   * A prediction without ground truth expires this long after its event: whole seconds, 1 hour to 365 days, known at synth.
   *
   * @default Duration.hours(48)
   */
  readonly labelWindow?: Duration;
  /**
   * Time that a model has for its answer, 1 to 24 whole seconds, known at synth. With 5 seconds for the rest it must stay within the
   * 29 seconds of a REST API (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html).
   *
   * @default Duration.seconds(20)
   */
  readonly modelTimeout?: Duration;
  /**
   * Largest request body: 1 KiB to 4 MiB, known at synth. Amazon API Gateway takes 10 MB, but AWS Lambda gets the body as text inside an
   * event of 6 MB (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
   *
   * @default Size.mebibytes(1)
   */
  readonly maximumRequest?: Size;
  /**
   * Requests per second that the stage lets through, 1 to 10000.
   *
   * @default 100
   */
  readonly requestsPerSecond?: number;
  /**
   * Requests that may arrive at once above the rate, a whole number from 1 to 5000.
   *
   * @default - twice the rate, at most 5000; 5000 when the rate is a Token
   */
  readonly burst?: number;
  /**
   * What models take and give, by route name; `addSignature` adds more. Requests are checked against it: what does not fit is answered 400
   * with every problem and never reaches the model. `GET /v2/models/{model}` tells it. At most 2,500 bytes as JSON, all models together.
   *
   * @default - requests are checked against the protocol alone; clients learn names of models but not of tensors
   */
  readonly signatures?: { readonly [model: string]: ModelSignature };
  /**
   * Store of the features that signatures name: the API looks them up for the request's entities as of its `event_time`, and fills them in.
   *
   * @default - clients send every input
   */
  readonly features?: FeatureStore;
  /**
   * Time for looking up the features of a request, all together: 10 to 2000 whole milliseconds, known at synth. What is not there by then is
   * null: counted as `FeaturesUnavailable`, alarmed, and the prediction is made.
   *
   * @default Duration.millis(200)
   */
  readonly featureTimeout?: Duration;
  /**
   * An alarm tells the owner when less than this share of the predictions gets ground truth. Percent, 0 (no alarm) to 100, known at synth.
   *
   * @default 90
   */
  readonly minimumLabelCoverage?: number;
  /**
   * Parameter that holds the workload clock of a replay.
   *
   * @default - real time
   */
  readonly clockParameter?: IStringParameter;
  /**
   * What happens to the books when they leave the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * Front door of the workload's models: Open Inference Protocol v2 over REST with IAM authorization, and feedback joined to each prediction.
 *
 * The API does not own the account's API Gateway logging role: create that once per account and Region before the first stage.
 */
export class InferenceApi extends Construct {
  /** The API. */
  public readonly api: RestApi;
  /** Name of the API and value of the dimension `Api`. */
  public readonly apiName: string;
  /** Every prediction and what became of it. */
  public readonly books: PredictionBooks;
  /** Metrics of the API and its books. */
  public readonly metrics: InferenceApiMetrics;
  private readonly features?: FeatureStore;
  private readonly signatures: { [model: string]: ModelSignature };

  constructor(scope: Construct, id: string, props: InferenceApiProps) {
    super(scope, id);
    failOn(this, 'InvalidInferenceApi', inferenceApiProblems(props));
    this.signatures = { ...props.signatures };
    this.features = props.features;
    this.apiName = props.apiName ?? generatedName(this, 60);
    this.metrics = new InferenceApiMetrics(this.apiName);
    this.books = new PredictionBooks(this, 'Books', { ...booksProps(props), apiName: this.apiName });
    const infer = this.createInfer(props);
    const feedback = this.createFeedback();
    this.api = signedRestApi(this, {
      apiName: this.apiName,
      description: 'Open Inference Protocol v2 and feedback',
      requestsPerSecond: props.requestsPerSecond,
      burst: props.burst,
    });
    this.createRoutes(infer, feedback);
    if (props.features !== undefined) {
      this.giveFeatures(infer, props.features, props.featureTimeout ?? FEATURE_TIMEOUT);
    }
    registerApiAlarms(this, { apiName: this.apiName, metrics: this.metrics, functions: { Infer: infer, Feedback: feedback } });
  }

  /** Base address; routes start with `v2/`. */
  public get url(): string {
    return this.api.url;
  }

  /**
   * Tells the API what a model takes and gives, as `signatures` does. Errors: the model has a signature already, the signature is none, or
   * all of them together are more than 2,500 bytes.
   *
   * @param model route name: 1 to 40 lower-case letters, digits and inner single hyphens
   */
  public addSignature(model: string, signature: ModelSignature): void {
    const known = Object.hasOwn(this.signatures, model);
    const signatures = { ...this.signatures, [model]: signature };
    failOn(this, 'InvalidSignature', [
      ...(known ? [`'${model}' has a signature already: give it once`] : []),
      ...routeNameProblems('model', model),
      ...signatureFeatureProblems({ [model]: signature }, this.features),
      ...signatureProblems(known ? { [model]: signature } : signatures),
    ]);
    this.signatures[model] = signature;
  }

  /**
   * Lets `grantee` call a model: infer, ask whether it is ready and what it takes.
   *
   * @param model route name: 1 to 40 lower-case letters, digits and inner single hyphens; left out, every model
   */
  public grantInvoke(grantee: IGrantable, model?: string): Grant {
    const route = this.routeOf(model);
    return grantExecute(this.api, grantee, [`POST/${route}/infer`, `GET/${route}`, `GET/${route}/ready`]);
  }

  /**
   * Lets `grantee` post ground truth for the predictions of a model and read their state.
   *
   * @param model route name: 1 to 40 lower-case letters, digits and inner single hyphens; left out, every model
   */
  public grantFeedback(grantee: IGrantable, model?: string): Grant {
    const predictions = `${this.routeOf(model)}/predictions`;
    return grantExecute(this.api, grantee, [`POST/${predictions}/*/feedback`, `GET/${predictions}`, `GET/${predictions}/*`]);
  }

  private routeOf(model?: string): string {
    failOn(this, 'InvalidGrant', routeNameProblems('model', model));
    return `v2/models/${model ?? '*'}`;
  }

  private createInfer(props: InferenceApiProps): Lambda {
    const modelTimeout = props.modelTimeout ?? Duration.seconds(20);
    const infer = handlerFunction(this, 'Infer', {
      handler: 'inference-api',
      description: 'Open Inference Protocol: asks the model and enters the prediction in the books',
      timeout: modelTimeout.plus(OVERHEAD),
      memory: Size.mebibytes(1024),
      environment: {
        [ENV.endpointPrefix]: props.endpointPrefix,
        [ENV.modelTimeoutMs]: String(modelTimeout.toMilliseconds()),
        [ENV.maximumRequestBytes]: String((props.maximumRequest ?? Size.mebibytes(1)).toBytes()),
        [ENV.decisionLeadSeconds]: String((props.decisionLeadTime ?? Duration.seconds(0)).toSeconds()),
        [ENV.signatures]: Lazy.string({ produce: () => signaturesJson(this.signatures) }),
        ...(props.decisionOutput === undefined ? {} : { [ENV.decisionOutput]: props.decisionOutput }),
      },
    });
    this.books._serve(infer);
    const endpoints = Stack.of(this).formatArn({ service: 'sagemaker', resource: 'endpoint', resourceName: `${props.endpointPrefix}*` });
    infer.addToRolePolicy(
      new PolicyStatement({ actions: ['sagemaker:InvokeEndpoint', 'sagemaker:DescribeEndpoint'], resources: [endpoints] }),
    );
    acknowledgeResource(
      infer,
      endpoints,
      'one route serves every endpoint of this workload, and no other: endpoints come and go without a change of this stack',
    );
    return infer;
  }

  private giveFeatures(infer: Lambda, store: FeatureStore, timeout: Duration): void {
    Object.entries({ ...store._environment(), [FEATURE_ENV.timeoutMs]: String(timeout.toMilliseconds()) }).forEach(([name, value]) =>
      infer.addEnvironment(name, value),
    );
    store.grantRead(infer);
    registerFeatureAlarm(this, this.apiName, this.metrics);
  }

  private createFeedback(): Lambda {
    const feedback = handlerFunction(this, 'Feedback', {
      handler: 'feedback',
      description: 'Joins ground truth to predictions and tells how the books stand',
      timeout: Duration.seconds(25),
    });
    this.books._serve(feedback);
    return feedback;
  }

  private createRoutes(infer: Lambda, feedback: Lambda): void {
    const contentType = 'application/json';
    const inferenceRequest = new Model(this, 'InferenceRequest', { restApi: this.api, contentType, schema: INFERENCE_REQUEST });
    const feedbackRequest = new Model(this, 'FeedbackRequest', { restApi: this.api, contentType, schema: FEEDBACK });
    const requestValidator = new RequestValidator(this, 'BodyValidator', {
      restApi: this.api,
      validateRequestBody: true,
      validateRequestParameters: true,
    });
    const timeout = REST_LIMIT;
    const [ask, tell] = [infer, feedback].map((fn) => new LambdaIntegration(fn, { timeout, allowTestInvoke: false }));
    const get = (resource: IResource, integration: LambdaIntegration) => resource.addMethod('GET', integration, { requestValidator });
    const post = (resource: IResource, integration: LambdaIntegration, model: Model) =>
      resource.addMethod('POST', integration, { requestValidator, requestModels: { [contentType]: model } });

    const v2 = this.api.root.addResource('v2');
    const health = v2.addResource('health');
    const model = v2.addResource('models').addResource('{model}');
    const predictions = model.addResource('predictions');
    const prediction = predictions.addResource('{id}');
    [v2, health.addResource('live'), health.addResource('ready'), model, model.addResource('ready')].forEach((resource) =>
      get(resource, ask),
    );
    post(model.addResource('infer'), ask, inferenceRequest);
    [predictions, prediction].forEach((resource) => get(resource, tell));
    post(prediction.addResource('feedback'), tell, feedbackRequest);
  }
}

function booksProps(props: InferenceApiProps) {
  const { bus, labelWindow, minimumLabelCoverage, clockParameter, removalPolicy } = props;
  return { bus, labelWindow, minimumLabelCoverage, clockParameter, removalPolicy };
}
