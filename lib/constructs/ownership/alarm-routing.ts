import { Annotations, Lazy, Stack } from 'aws-cdk-lib';
import { Alarm, AlarmBase, CfnAlarm, CfnCompositeAlarm, CompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { ITopic } from 'aws-cdk-lib/aws-sns';
import { IConstruct } from 'constructs';
import { Layer, Severity } from './layer';

/** What an alarm needs to know of a board. @internal */
export interface AlarmRouter {
  topicFor(layer: Layer, severity: Severity): ITopic;
}

/** Routers by the construct they decide for, and alarms that a composite speaks for. */
const routers = new WeakMap<IConstruct, AlarmRouter>();
const spokenFor = new WeakSet<AlarmBase>();

/** Makes `router` decide for the alarms below `scope`. @internal */
export function attachRouter(scope: IConstruct, router: AlarmRouter): void {
  routers.set(scope, router);
}

/** The router attached to `scope` or its nearest ancestor. @internal */
export function routerOf(scope: IConstruct): AlarmRouter | undefined {
  const nearest = [...scope.node.scopes].reverse().find((ancestor) => routers.has(ancestor));
  return nearest && routers.get(nearest);
}

/** Lets the router above `alarm` decide its actions, late: a board may be attached after the alarm was made. @internal */
export function routeAlarm(alarm: AlarmBase, layer: Layer, severity: Severity): void {
  let warned = false;
  const produce = () => {
    const router = routerOf(alarm);
    if (router === undefined && !warned) {
      warned = true;
      Annotations.of(alarm).addWarningV2(
        'cdk-ai-workloads:alarm-without-action',
        'nobody hears of this alarm: create an AlarmBoard and call attachTo() on a construct above it',
      );
    }
    return router === undefined ? [] : [router.topicFor(layer, severity).topicArn];
  };
  const resource = alarm.node.defaultChild as CfnAlarm | CfnCompositeAlarm;
  resource.alarmActions = Lazy.list({ produce }, { omitEmpty: true });
  resource.okActions = Lazy.list({ produce }, { omitEmpty: true });
}

/** Says that a composite alarm or a rollback speaks for `alarm`, which therefore needs no action of its own. @internal */
export function markSpokenFor(alarm: AlarmBase): void {
  spokenFor.add(alarm);
}

/** One problem for each alarm below `scope` that nobody would hear of. @internal */
export function alarmsWithoutAction(scope: IConstruct): string[] {
  return scope.node
    .findAll()
    .filter((child): child is AlarmBase => (child instanceof Alarm || child instanceof CompositeAlarm) && !spokenFor.has(child))
    .filter((alarm) => ((Stack.of(alarm).resolve((alarm.node.defaultChild as CfnAlarm).alarmActions) ?? []) as unknown[]).length === 0)
    .map(
      (alarm) => `AlarmWithoutAction: nobody hears of this alarm: give it to AlarmBoard.route() or add an action [at ${alarm.node.path}]`,
    );
}
