import { CfnElement, CfnResource, Stack, Stage } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';
import { isSageMaker } from '../sagemaker-metrics';
import { AlarmView, alarmOf, MetricUse } from './alarm-view';
import { Statement, statementsOf } from './role-view';
import { grouped, push } from './groups';
import { ResourceView, viewOf } from './resource-view';
import { entries, get, isOpen, literal, resourceIn, resourcesIn, written } from './values';

/** What a scalable target scales, as far as the app has it. @internal */
export interface Scaled {
  readonly endpoint?: ResourceView;
  readonly variant?: string;
  readonly component?: ResourceView;
}

const VARIANT = /^endpoint\/([^/]+)\/variant\/([^/]+)$/;
const COMPONENT = /^inference-component\/([^/]+)$/;
/** The name property of what can be meant by its name. */
const NAMES: Readonly<Record<string, string>> = {
  'AWS::SageMaker::Endpoint': 'EndpointName',
  'AWS::SageMaker::EndpointConfig': 'EndpointConfigName',
  'AWS::SageMaker::InferenceComponent': 'InferenceComponentName',
  'AWS::SageMaker::Model': 'ModelName',
};
/** Nothing else is looked at: reading a whole app would take as long as its synthesis. */
const LOOKED_AT =
  /^AWS::(SageMaker::|ApplicationAutoScaling::|CloudWatch::(Alarm|CompositeAlarm)$|IAM::(Role|Policy|ManagedPolicy)$|Lambda::Function$|ApiGateway::(Method|RestApi)$)/;

/** All resources of an app that bear on its models, across stacks and stages. @internal */
export class AppView {
  private readonly byNode = new Map<CfnResource, ResourceView>();
  private readonly byPath = new Map<string, ResourceView>();
  private readonly byType = new Map<string, ResourceView[]>();
  private readonly byName = new Map<string, ResourceView[]>();
  private readonly ids = new Map<Stack, Map<string, string>>();
  private readonly cache = new Map<string, unknown>();

  constructor(root: IConstruct) {
    for (const node of root.node.findAll()) {
      if (CfnResource.isCfnResource(node) && LOOKED_AT.test(node.cfnResourceType)) {
        const view = viewOf(node, (stack, id) => this.pathOf(stack, id));
        if (view !== undefined) {
          this.add(view);
        }
      }
    }
  }

  /** A resource as its template shows it; undefined for what is not looked at. */
  public see(node: CfnResource): ResourceView | undefined {
    return this.byNode.get(node);
  }

  /** Resources of a type. */
  public of(type: string): readonly ResourceView[] {
    return this.byType.get(type) ?? [];
  }

  /** The resources of a type that a text means, by reference or by name: those of the same stack, else of the same stage, else all. */
  public named(text: string | undefined, type: string, from: ResourceView): ResourceView[] {
    const referred = text === undefined ? undefined : this.byPath.get(resourceIn(text)?.path ?? '');
    if (text === undefined || referred !== undefined) {
      return referred?.type === type ? [referred] : [];
    }
    const all = this.byName.get(`${type} ${text}`) ?? [];
    const near = [(one: ResourceView) => one.stack === from.stack, (one: ResourceView) => Stage.of(one.node) === Stage.of(from.node)];
    return near.map((is) => all.filter(is)).find((found) => found.length > 0) ?? all;
  }

  /** The configuration of an endpoint. */
  public configOf(endpoint: ResourceView): ResourceView | undefined {
    return this.named(written(get(endpoint.properties, 'EndpointConfigName')), 'AWS::SageMaker::EndpointConfig', endpoint)[0];
  }

  /** The components that an endpoint holds. */
  public componentsOf(endpoint: ResourceView): ResourceView[] {
    return (
      this.cached('components', () =>
        grouped(this.of('AWS::SageMaker::InferenceComponent'), (component) =>
          this.named(written(get(component.properties, 'EndpointName')), 'AWS::SageMaker::Endpoint', component),
        ),
      ).get(endpoint.path) ?? []
    );
  }

  /** Alarms of the app. */
  public alarms(): AlarmView[] {
    return this.cached('alarms', () => this.of('AWS::CloudWatch::Alarm').map(alarmOf));
  }

  /** Alarms that watch an endpoint or a component. */
  public alarmsOn(watched: ResourceView): AlarmView[] {
    const [dimension, type] = watched.type.endsWith('Endpoint')
      ? ['EndpointName', 'Endpoint']
      : ['InferenceComponentName', 'InferenceComponent'];
    const found = this.cached(`alarms by ${dimension}`, () =>
      grouped(this.alarms(), (alarm) =>
        alarm.metrics.flatMap(({ dimensions }) => this.named(dimensions?.get(dimension), `AWS::SageMaker::${type}`, alarm.resource)),
      ),
    );
    return found.get(watched.path) ?? [];
  }

  /** Scalable targets of SageMaker with what they scale. */
  public targets(): { target: ResourceView; scaled: Scaled }[] {
    return this.cached('targets', () =>
      this.of('AWS::ApplicationAutoScaling::ScalableTarget')
        .filter(({ properties }) => literal(get(properties, 'ServiceNamespace')) === 'sagemaker')
        .map((target) => ({ target, scaled: this.scaledBy(target) })),
    );
  }

  /** What a scalable target scales. */
  public scaledBy(target: ResourceView): Scaled {
    const id = written(get(target.properties, 'ResourceId')) ?? '';
    const [, endpoint, variant] = VARIANT.exec(id) ?? [];
    const [, component] = COMPONENT.exec(id) ?? [];
    return {
      endpoint: this.named(endpoint, 'AWS::SageMaker::Endpoint', target)[0],
      variant,
      component: this.named(component, 'AWS::SageMaker::InferenceComponent', target)[0],
    };
  }

  /** Policies of a scalable target. */
  public policiesOf(target: ResourceView): ResourceView[] {
    const byTarget = this.cached('policies', () =>
      grouped(this.of('AWS::ApplicationAutoScaling::ScalingPolicy'), (policy) => this.targetsOf(policy)),
    );
    return byTarget.get(target.path) ?? [];
  }

  /** The targets that a scaling policy belongs to. */
  public targetsOf(policy: ResourceView): ResourceView[] {
    const path = resourceIn(written(get(policy.properties, 'ScalingTargetId')) ?? '')?.path;
    const referred = path === undefined ? undefined : this.byPath.get(path);
    if (referred !== undefined) {
      return [referred];
    }
    const id = written(get(policy.properties, 'ResourceId'));
    const same = (one: ResourceView) => one.stack === policy.stack && written(get(one.properties, 'ResourceId')) === id;
    return id === undefined ? [] : this.of('AWS::ApplicationAutoScaling::ScalableTarget').filter(same);
  }

  /** What a role may do by the policies of this app; undefined for a role that is not of this app. */
  public statementsOf(role: unknown): readonly Statement[] | undefined {
    return this.rights().get(this.roleOf(role)?.path ?? '');
  }

  /** The role that a value refers to. */
  public roleOf(value: unknown): ResourceView | undefined {
    const found = this.byPath.get(resourceIn(written(value) ?? '')?.path ?? '');
    return found?.type === 'AWS::IAM::Role' ? found : undefined;
  }

  /** A resource by the path of its construct. */
  public at(path: string): ResourceView | undefined {
    return this.byPath.get(path);
  }

  /** The REST API of this app that a value refers to. */
  public apiOf(value: unknown): ResourceView | undefined {
    const found = this.byPath.get(resourceIn(written(value) ?? '')?.path ?? '');
    return found?.type === 'AWS::ApiGateway::RestApi' ? found : undefined;
  }

  /** Whether an alarm of the app watches an endpoint that cannot be told: then none of them is known to have no alarm. */
  public watchedByUnknown(): boolean {
    return this.cached('unknown', () =>
      this.alarms().some(
        ({ resource, metrics, unclear }) => unclear || metrics.some((use) => isSageMaker(use.namespace) && this.isUnknown(use, resource)),
      ),
    );
  }

  /** Whether a scaling policy of the app belongs to a target that cannot be told. */
  public hasUnknownPolicy(): boolean {
    return this.cached('unknown policy', () =>
      this.of('AWS::ApplicationAutoScaling::ScalingPolicy').some((policy) => {
        const id = written(get(policy.properties, 'ScalingTargetId')) ?? written(get(policy.properties, 'ResourceId'));
        return this.targetsOf(policy).length === 0 && (id === undefined || isOpen(id));
      }),
    );
  }

  /** Whether a composite alarm or the rollback of an endpoint names an alarm. */
  public isHeard(alarm: ResourceView): boolean {
    const heard = this.cached('heard', () => this.heard());
    const name = written(get(alarm.properties, 'AlarmName'));
    return heard.paths.has(alarm.path) || (name !== undefined && heard.texts.some((text) => text.includes(name)));
  }

  private heard(): { paths: Set<string>; texts: string[] } {
    const rules = this.of('AWS::CloudWatch::CompositeAlarm').map(({ properties }) => written(get(properties, 'AlarmRule')));
    const rollbacks = [...this.of('AWS::SageMaker::Endpoint'), ...this.of('AWS::SageMaker::InferenceComponent')].flatMap(({ properties }) =>
      (entries(get(properties, 'DeploymentConfig', 'AutoRollbackConfiguration', 'Alarms')) ?? []).map((alarm) =>
        written(get(alarm, 'AlarmName')),
      ),
    );
    const texts = [...rules, ...rollbacks].filter((text) => text !== undefined);
    return { paths: new Set(texts.flatMap(resourcesIn)), texts };
  }

  private isUnknown({ dimensions }: MetricUse, alarm: ResourceView): boolean {
    if (dimensions === undefined) {
      return true;
    }
    const [endpoint, component] = [dimensions.get('EndpointName'), dimensions.get('InferenceComponentName')];
    const found = [
      ...this.named(endpoint, 'AWS::SageMaker::Endpoint', alarm),
      ...this.named(component, 'AWS::SageMaker::InferenceComponent', alarm),
    ];
    return found.length === 0 && [endpoint, component].some((text) => text !== undefined && isOpen(text));
  }

  /** Whether a model is served by instances of its own, so that its own network settings count. */
  public servesVariant(model: ResourceView): boolean {
    const served = this.cached('served', () =>
      grouped(this.of('AWS::SageMaker::EndpointConfig'), (config) =>
        (entries(get(config.properties, 'ProductionVariants')) ?? [])
          .filter((variant) => get(variant, 'ServerlessConfig') === undefined)
          .flatMap((variant) => this.named(written(get(variant, 'ModelName')), 'AWS::SageMaker::Model', config)),
      ),
    );
    return served.has(model.path);
  }

  /** Whether a resource is made after another, directly or through others. */
  public waitsFor(from: ResourceView, to: ResourceView): boolean {
    const [seen, next] = [new Set<string>(), [from.path]];
    for (let path = next.pop(); path !== undefined; path = next.pop()) {
      if (!seen.has(path)) {
        seen.add(path);
        next.push(...(this.byPath.get(path)?.dependsOn ?? []));
      }
    }
    return seen.has(to.path);
  }

  private rights(): Map<string, Statement[]> {
    return this.cached('rights', () =>
      statementsOf(this.of('AWS::IAM::Role'), [...this.of('AWS::IAM::Policy'), ...this.of('AWS::IAM::ManagedPolicy')]),
    );
  }

  private cached<T>(key: string, make: () => T): T {
    if (!this.cache.has(key)) {
      this.cache.set(key, make());
    }
    return this.cache.get(key) as T;
  }

  private add(view: ResourceView): void {
    this.byNode.set(view.node, view);
    this.byPath.set(view.path, view);
    push(this.byType, view.type, view);
    const name = written(get(view.properties, NAMES[view.type] ?? ''));
    if (name !== undefined) {
      push(this.byName, `${view.type} ${name}`, view);
    }
  }

  /** Paths by logical id; read only where a template names something by its id. */
  private pathOf(stack: Stack, id: string): string | undefined {
    if (!this.ids.has(stack)) {
      const elements = stack.node.findAll().filter((node) => CfnElement.isCfnElement(node) && Stack.of(node) === stack) as CfnElement[];
      this.ids.set(stack, new Map(elements.map((element) => [String(stack.resolve(element.logicalId)), element.node.path])));
    }
    return this.ids.get(stack)?.get(id);
  }
}
