"""Acts on policies, scheduled actions and limits: one look at every target each ten platform seconds, and at once when an alarm calls.

An alarm calls its policies when it changes state, and again each minute while it stays in it
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html). A resource has one change of capacity at a time: what its
service refuses, for example during a deployment, is a failed activity and is tried again a minute later. Our model where AWS publishes nothing:
a cool-down belongs to the target, with the length that the policy states which began it.
"""
from __future__ import annotations

import logging
import threading
import time
from typing import Any, Optional

from .. import clock
from ..alarms import evaluator, series
from ..service_models import ApiError
from . import activities, decision, dimensions, policies, scheduled, state, tracking_alarms

LOOK_SECONDS = 10
"""Platform seconds between two looks."""
AGAIN_SECONDS = 60
"""Platform seconds until an alarm that stays in its state calls again, and until a refused change is tried again."""
DEFAULT_COOLDOWN_SECONDS = 300
"""https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TargetTrackingScalingPolicyConfiguration.html"""
_LOG = logging.getLogger("autoscaling")
_wake = threading.Event()


def install() -> None:
    """Starts to look."""
    threading.Thread(target=_run, daemon=True, name="autoscaling").start()


def called(arn: str, alarm: str) -> Optional[str]:
    """An alarm calls a policy: the problem, or None when there is such a policy."""
    for target in list(state.TARGETS.values()):
        for policy in list(target.policies.values()):
            if policy["PolicyARN"] == arn:
                target.invoked.pop((policy["PolicyName"], alarm), None)
                _wake.set()
                return None
    return f"the scaling policy {arn} does not exist"


def look(target: state.Target, now: float) -> None:
    """Brings one target forward. The caller holds the lock."""
    record = target.record
    dimension = dimensions.find(record["ServiceNamespace"], record["ScalableDimension"], record["ResourceId"])
    try:
        capacity = dimension.describe(record["ResourceId"])
    except ApiError:
        return  # the resource is gone; its target stays, as in AWS, until somebody deregisters it
    _finish(target, capacity, now)
    if not _suspended(target, "ScheduledScalingSuspended"):
        for action in scheduled.due(target, now):
            _schedule(target, action)
    if target.running is not None or _limit(target, dimension, capacity, now):
        return
    platform = clock.platform_seconds(now)
    request = _request(target, capacity.current, now)
    if request is None:
        return
    count = decision.within(request.capacity, record["MinCapacity"], record["MaxCapacity"])
    outward = request.capacity > capacity.current
    if (count > capacity.current) != outward or count == capacity.current or _suspended(target, f"DynamicScaling{'Out' if outward else 'In'}Suspended"):
        return
    if outward or decision.cooled(platform, target.last_in):
        _change(target, dimension, capacity, count, request.cause, request.cooldown, now)


def _run() -> None:
    while True:
        _wake.wait(clock.scaled(LOOK_SECONDS))
        _wake.clear()
        for target in list(state.TARGETS.values()):
            try:
                with state.LOCK:
                    look(target, time.time())
            except Exception:  # noqa: BLE001 - one target must not stop the others
                _LOG.exception("scaling of %s failed and goes on", target.record["ResourceId"])


def _suspended(target: state.Target, what: str) -> bool:
    return bool((target.record.get("SuspendedState") or {}).get(what))


def _finish(target: state.Target, capacity: dimensions.Capacity, now: float) -> None:
    """Ends the running activity when its service is done. Cool-downs begin here: at the end of a change that succeeded."""
    activity = target.running
    if activity is None or not capacity.steady:
        return
    target.running = None
    wanted, before = activity["_capacity"], activity["_before"]
    if capacity.current != wanted:
        return activities.end(activity, "Failed", f"Failed to set {activity['_unit']} to {wanted}: sagemaker ended with {capacity.current}.")
    activities.end(activity, "Successful", activities.fulfilled(activity))
    if activity["_cooldown"] is None:
        return
    cooldown = decision.Cooldown(activity["_base"], clock.platform_seconds(now) + activity["_cooldown"])
    target.out, target.last_in = (cooldown, None) if wanted > before else (None, cooldown)


def _schedule(target: state.Target, action: dict[str, Any]) -> None:
    """New limits; one that is left out and would cross the new one follows it: our model."""
    limits = action["ScalableTargetAction"]
    low = limits.get("MinCapacity", min(target.record["MinCapacity"], limits.get("MaxCapacity", target.record["MinCapacity"])))
    high = limits.get("MaxCapacity", max(target.record["MaxCapacity"], low))
    target.record.update(MinCapacity=low, MaxCapacity=high)
    target.limits, target.tried = f"scheduled action name {action['ScheduledActionName']} was triggered", 0.0


def _limit(target: state.Target, dimension: dimensions.Dimension, capacity: dimensions.Capacity, now: float) -> bool:
    """Moves the capacity into new limits, without regard to cool-downs. Whether that is still to be done."""
    if target.limits is None:
        return False
    count = decision.within(capacity.current, target.record["MinCapacity"], target.record["MaxCapacity"])
    if count == capacity.current:
        target.limits = None
        return False
    if now - target.tried >= clock.scaled(AGAIN_SECONDS):
        target.tried = now
        side = f"minimum capacity was set to {count}" if count > capacity.current else f"maximum capacity was set to {count}"
        _change(target, dimension, capacity, count, side if target.limits == "" else f"{target.limits}; {side}", None, now)
    return True


def _change(
    target: state.Target, dimension: dimensions.Dimension, capacity: dimensions.Capacity, count: int, cause: str, cooldown: Optional[float], now: float
) -> None:
    """Asks for another capacity; `cooldown` is None for what begins none."""
    activity = activities.begin(target, dimension.unit, count, cause)
    activity["_before"], activity["_cooldown"] = capacity.current, cooldown
    activity["_base"] = decision.base(capacity.current, clock.platform_seconds(now), target.out)
    try:
        dimension.set(target.record["ResourceId"], count)
    except ApiError as error:
        return activities.end(activity, "Failed", f"Failed to set {dimension.unit} to {count}. Reason: {error.message} (Service: AmazonSageMaker; Error Code: {error.code})")
    activities.running(activity)
    target.running = activity
    _LOG.info("%s: %s %d -> %d: %s", target.record["ResourceId"], dimension.unit, capacity.current, count, cause)


def _request(target: state.Target, capacity: int, now: float) -> Optional[decision.Request]:
    """What the policies want that alarms call now, put together."""
    base = decision.base(capacity, clock.platform_seconds(now), target.out)
    out: list[decision.Request] = []
    tracking_in: list[Optional[decision.Request]] = []
    step_in: list[decision.Request] = []
    for policy in target.policies.values():
        if policy["PolicyType"] == "StepScaling":
            for outward, request in _steps(target, policy, capacity, base, now):
                (out if outward else step_in).append(request)
            continue
        high = _tracked(target, policy, "AlarmHigh", base, now)
        if high is not None:
            out.append(high)
        if not policy["TargetTrackingScalingPolicyConfiguration"].get("DisableScaleIn"):
            tracking_in.append(_tracked(target, policy, "AlarmLow", capacity, now))
    return decision.chosen(capacity, out, tracking_in, step_in)


def _calls(target: state.Target, policy: dict[str, Any], alarm: dict[str, Any], state_value: str, now: float) -> bool:
    """Whether an alarm calls a policy now: it does when it came into the state, and then once a minute."""
    pair = policy["PolicyName"], alarm["AlarmName"]
    if alarm["StateValue"] != state_value or not alarm.get("ActionsEnabled", True):
        target.invoked.pop(pair, None)
        return False
    if now - target.invoked.get(pair, 0.0) < clock.scaled(AGAIN_SECONDS):
        return False
    target.invoked[pair] = now
    return True


def _tracked(target: state.Target, policy: dict[str, Any], side: str, capacity: int, now: float) -> Optional[decision.Request]:
    alarm = tracking_alarms.of(policy, side)
    if alarm is None or alarm["StateValue"] != "ALARM":
        return None
    # Low alarms of several policies go off at different moments, and only all together count: they are asked whenever they are on.
    if side == "AlarmHigh" and not _calls(target, policy, alarm, "ALARM", now):
        return None
    value = tracking_alarms.value(alarm, now)
    if value is None:
        return None
    config = policy["TargetTrackingScalingPolicyConfiguration"]
    compute = decision.tracked if side == "AlarmHigh" else decision.tracked_in
    cooldown = config.get("ScaleOutCooldown" if side == "AlarmHigh" else "ScaleInCooldown", DEFAULT_COOLDOWN_SECONDS)
    return decision.Request(policy["PolicyName"], compute(capacity, value, config["TargetValue"]), cooldown, _cause(alarm, policy))


def _steps(target: state.Target, policy: dict[str, Any], capacity: int, base: int, now: float) -> list[tuple[bool, decision.Request]]:
    """The steps that alarms ask a policy for now, each with whether it goes out."""
    config, found = policy["StepScalingPolicyConfiguration"], []
    for alarm, state_value in policies.naming(policy["PolicyARN"]):
        if not _calls(target, policy, alarm, state_value, now):
            continue
        values = [value for value in evaluator.values_of(alarm, _evaluated(alarm, now)) if value is not None]
        if not values:
            continue
        breach = decision.aggregated(values, config.get("MetricAggregationType") or "Average") - float(alarm["Threshold"])
        adjustment = decision.step(config["StepAdjustments"], breach, "Greater" in alarm["ComparisonOperator"])
        if adjustment is None:
            continue
        kind, least = config["AdjustmentType"], config.get("MinAdjustmentMagnitude") or 0
        outward = adjustment > capacity if kind == "ExactCapacity" else adjustment > 0
        count = decision.adjusted(base if outward else capacity, kind, adjustment, least)
        found.append((outward, decision.Request(policy["PolicyName"], count, config.get("Cooldown", DEFAULT_COOLDOWN_SECONDS), _cause(alarm, policy))))
    return found


def _evaluated(alarm: dict[str, Any], now: float) -> series.Windows:
    return series.windows(evaluator.period_of(alarm), int(alarm.get("EvaluationPeriods") or 1), now)


def _cause(alarm: dict[str, Any], policy: dict[str, Any]) -> str:
    return f"monitor alarm {alarm['AlarmName']} in state {alarm['StateValue']} triggered policy {policy['PolicyName']}"
