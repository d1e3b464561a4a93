import { Duration, RemovalPolicy, Tags } from 'aws-cdk-lib';
import { Construct, IConstruct } from 'constructs';
import { DataContract, DataIntake, DatasetCatalog, DataZones } from '../data';
import { InferenceApi, ModelSignature, PredictionBus } from '../integration';
import { decisionProblems } from '../integration/model-signature';
import { ModelSource } from '../models';
import { INetwork } from '../network';
import { WorkloadDashboard } from '../observability';
import { AlarmBoard, Budget, Layer, Objective, ObjectiveTracker, Owners, Severity, WorkloadBudget } from '../ownership';
import { InferenceEndpoint, InstanceType, Scaling, Slo } from '../serving';
import { failOn, mismatch, unknownAtSynth } from '../shared/checks';
import { generatedName, physicalName } from '../shared/names';

/** Properties of an `AiWorkload`. */
export interface AiWorkloadProps {
  /** Who answers for which layer: alarms and tags follow from it. */
  readonly owners: Owners;
  /** What the workload is for, as a metric with a target. */
  readonly objective: Objective;
  /** What it may cost in a month. */
  readonly budget: Budget;
  /** Output tensor (BOOL, one element) of the models' answers that holds the decision which the objective counts. */
  readonly decisionOutput: string;
  /**
   * A positive decision counts as a hit only when it was made at least this long before its event: 0 to 365 days.
   *
   * @default Duration.seconds(0) - any time
   */
  readonly decisionLeadTime?: Duration;
  /**
   * A prediction without ground truth expires this long after its event: 1 hour to 365 days.
   *
   * @default Duration.hours(48)
   */
  readonly labelWindow?: Duration;
  /**
   * Starts every physical name: 1 to 39 lower-case letters, digits and inner hyphens, known at synth. One per workload and stage.
   *
   * @default - generated from the construct path
   */
  readonly workloadName?: string;
  /**
   * Network that model containers run in.
   *
   * @default - the network of the service
   */
  readonly network?: INetwork;
  /**
   * What happens to data, books and models when they leave the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Deletes what the buckets hold with them; only together with `RemovalPolicy.DESTROY`.
   *
   * @default false
   */
  readonly deleteObjects?: boolean;
}

/** What a new intake needs. */
export interface IntakeOptions {
  /** What a record must be; its owner must be one of the workload's teams. */
  readonly contract: DataContract;
}

/** What a new model needs. */
export interface ModelOptions {
  /** Where it comes from, with the image that serves it. */
  readonly source: ModelSource;
  /** Instance type that serves it. */
  readonly instance: InstanceType;
  /** What its endpoint promises its callers. */
  readonly slo: Slo;
  /**
   * How many instances serve it.
   *
   * @default Scaling.fixed(1)
   */
  readonly scaling?: Scaling;
  /**
   * What the model takes and gives: the API checks requests against it before they reach the model, and tells it to clients. Its outputs
   * must have `decisionOutput`, as BOOL. All signatures together: at most 2,500 bytes as JSON.
   *
   * @default - requests are checked against the protocol alone
   */
  readonly signature?: ModelSignature;
}

/**
 * The production system around models, in your stack: owners and alarms, budget, data zones, intakes and dataset versions, endpoints, one API
 * with its prediction books, events, the business objective and a dashboard.
 *
 * The API's stage writes logs, for which an account needs one API Gateway logging role per Region (`AWS::ApiGateway::Account`): it is not
 * made here, because it belongs to the account. Errors: a workload without a model.
 */
export class AiWorkload extends Construct {
  /** Who hears of which alarm. */
  public readonly board: AlarmBoard;
  /** Where data lies. */
  public readonly zones: DataZones;
  /** Versions of the datasets that the intakes feed. */
  public readonly catalog: DatasetCatalog;
  /** Front door of the models, with feedback. */
  public readonly api: InferenceApi;
  /** Every event of the workload. */
  public readonly bus: PredictionBus;
  /** Whether the objective is met. */
  public readonly tracker: ObjectiveTracker;
  /** One page for manager and the one on call. */
  public readonly dashboard: WorkloadDashboard;
  private readonly workloadName: string;
  private readonly removalPolicy: RemovalPolicy;
  private models = 0;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: AiWorkloadProps,
  ) {
    super(scope, id);
    failOn(this, 'InvalidAiWorkload', [
      ...unknownAtSynth('workloadName', props.workloadName),
      ...mismatch('workloadName', props.workloadName, NAME, '1 to 39 lower-case letters, digits and inner hyphens'),
    ]);
    this.workloadName = props.workloadName ?? generatedName(this, 39);
    this.removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    this.board = this.createOwnership();
    this.bus = this.owned(Layer.INTEGRATION, new PredictionBus(this, 'Bus', { busName: this.workloadName }));
    this.zones = this.owned(
      Layer.DATA,
      new DataZones(this, 'Zones', { removalPolicy: this.removalPolicy, deleteObjects: props.deleteObjects }),
    );
    this.catalog = this.owned(Layer.DATA, this.createCatalog());
    this.api = this.owned(Layer.INTEGRATION, this.createApi());
    this.tracker = this.owned(Layer.OBSERVABILITY, this.createTracker());
    this.dashboard = this.owned(Layer.OBSERVABILITY, this.createDashboard());
    this.dashboard.addApi(this.api);
    this.node.addValidation({
      validate: () => (this.models > 0 ? [] : [`InvalidAiWorkload: there is no model: call addModel() [at ${this.node.path}]`]),
    });
  }

  /** Takes in files that follow a contract, from `raw/<dataset>/`, into a dataset of the catalogue. */
  public addIntake(id: string, { contract }: IntakeOptions): DataIntake {
    const intake = new DataIntake(this, id, {
      zones: this.zones,
      contract,
      bus: this.bus.bus,
      intakeName: physicalName([this.workloadName, contract.dataset], 80),
      knownOwners: this.props.owners.all().map(({ team }) => team),
      removalPolicy: this.removalPolicy,
    });
    this.catalog.addDataset(intake);
    this.dashboard.addIntake(intake);
    return this.owned(Layer.DATA, intake);
  }

  /**
   * Serves a model at `POST /v2/models/<name>/infer`.
   *
   * @param name route name: 1 to 20 lower-case letters, digits and inner hyphens; the endpoint is `<workloadName>-<name>`
   */
  public addModel(name: string, { source, instance, slo, scaling, signature }: ModelOptions): InferenceEndpoint {
    const { network, decisionOutput } = this.props;
    failOn(this, 'InvalidModel', [
      ...mismatch('name', name, /^[a-z0-9](-?[a-z0-9]){0,19}$/, '1 to 20 lower-case letters, digits and inner hyphens'),
      ...(signature === undefined ? [] : decisionProblems(decisionOutput, signature.outputs)).map(
        (problem) => `'decisionOutput': ${problem}`,
      ),
    ]);
    if (signature !== undefined) {
      this.api.addSignature(name, signature);
    }
    const endpoint = new InferenceEndpoint(this, name, {
      endpointName: physicalName([this.workloadName, name]),
      model: source,
      ...{ instance, slo, scaling },
      capture: { bucket: this.zones.capture },
      vpc: network?.vpc,
      vpcSubnets: network?.subnets,
      securityGroups: network && [network.securityGroup],
      removalPolicy: this.removalPolicy,
    });
    this.models++;
    this.dashboard.addEndpoint(endpoint);
    return this.owned(Layer.SERVING, endpoint);
  }

  private createOwnership(): AlarmBoard {
    const { owners, budget } = this.props;
    const board = this.owned(Layer.PRODUCT, new AlarmBoard(this, 'Alarms', { owners, namePrefix: this.workloadName }));
    board.attachTo(this);
    new WorkloadBudget(this, 'Budget', { budget, workload: this.workloadName, topic: board.topicFor(Layer.PRODUCT, Severity.TICKET) });
    return board;
  }

  private createCatalog(): DatasetCatalog {
    return new DatasetCatalog(this, 'Catalog', {
      ...{ zones: this.zones, bus: this.bus.bus, removalPolicy: this.removalPolicy },
      catalogName: this.workloadName,
    });
  }

  private createApi(): InferenceApi {
    const { decisionOutput, decisionLeadTime, labelWindow } = this.props;
    return new InferenceApi(this, 'Api', {
      apiName: this.workloadName,
      endpointPrefix: `${this.workloadName}-`,
      bus: this.bus.bus,
      ...{ decisionOutput, decisionLeadTime, labelWindow },
      removalPolicy: this.removalPolicy,
    });
  }

  private createTracker(): ObjectiveTracker {
    return new ObjectiveTracker(this, 'Objective', { objective: this.props.objective, books: this.api.books, workload: this.workloadName });
  }

  private createDashboard(): WorkloadDashboard {
    const { objective, budget } = this.props;
    return new WorkloadDashboard(this, 'Dashboard', { workload: this.workloadName, objective, budget, tracker: this.tracker });
  }

  /** Tags what belongs to a layer with its owner; the budget counts what carries the workload's tag. */
  private owned<T extends IConstruct>(layer: Layer, construct: T): T {
    const tags = { workload: this.workloadName, layer, owner: this.props.owners.of(layer).team };
    Object.entries(tags).forEach(([key, value]) => Tags.of(construct).add(key, value));
    return construct;
  }
}

const NAME = /^[a-z0-9](-?[a-z0-9]){0,38}$/;
