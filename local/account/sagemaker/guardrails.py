"""Deployment guardrails: what a DeploymentConfig may say, the steps that follow from it, and the alarms that are watched.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html and the API's DeploymentConfig, TrafficRoutingConfig and
RollingUpdatePolicy. An alarm that does not exist and a variant of another name are refused; AWS does not publish what it does then, so that is
our model.
"""
from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import ministack.services.cloudwatch as _cloudwatch

from .. import clock
from ..service_models import ApiError
from . import pools

LOOK_EVERY_SECONDS = 5
"""Platform seconds between two looks at the alarms during a baking period. Our model: AWS publishes no figure."""
_BOUNDS = {"CanarySize": (0, 50), "LinearStepSize": (10, 50), "MaximumBatchSize": (5, 50), "RollbackMaximumBatchSize": (0, 100)}
"""Percent of the variant's instances (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html, API_RollingUpdatePolicy.html)."""


class Tripped(Exception):
    """Why a deployment is rolled back; the text becomes the endpoint's FailureReason."""


@dataclass(frozen=True)
class Plan:
    """How a deployment goes. `steps` are instances of the new fleet with traffic after each step; blue/green starts all of them first."""

    rolling: bool
    steps: tuple[int, ...]
    bake_seconds: int
    termination_seconds: int
    limit_seconds: float
    alarms: tuple[str, ...]
    rollback_batch: int = 0
    """Instances of the old fleet that a rollback brings back at a time; 0 is all of them at once."""


def plan(config: dict[str, Any] | None, variants: list[dict[str, Any]], counts: dict[str, int], old: set[str] | None = None) -> Plan:
    """The plan for an update to `variants` with `counts` instances; `old` are the names of the variants that serve. Raises ApiError."""
    total = sum(counts.values())
    if not config:
        return Plan(False, (total,), 0, 0, math.inf, ())
    shape(config)
    if old is not None and old != counts.keys():
        raise ApiError("ValidationException", f"A deployment with guardrails keeps the names of its variants: {', '.join(sorted(old))} serve, got {', '.join(sorted(counts))}.")
    alarms = _alarms(config)
    if any(kind.startswith("ml.inf1.") for variant in variants for kind in pools.types(variant)):
        # https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html: all at once and no bake, whatever is asked
        return Plan(False, (total,), 0, 0, math.inf, ())
    if "RollingUpdatePolicy" in config:
        policy = config["RollingUpdatePolicy"]
        if len(variants) > 1 or any("ServerlessConfig" in variant for variant in variants):
            # https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html
            raise ApiError("ValidationException", "RollingUpdatePolicy is for endpoints with one production variant on instances.")
        steps = _steps(_batch("MaximumBatchSize", policy["MaximumBatchSize"], total), total)
        back = _batch("RollbackMaximumBatchSize", policy["RollbackMaximumBatchSize"], total) if "RollbackMaximumBatchSize" in policy else 0
        return _within(Plan(True, steps, policy["WaitIntervalInSeconds"], 0, policy.get("MaximumExecutionTimeoutInSeconds", math.inf), alarms, back))
    policy = config.get("BlueGreenUpdatePolicy", {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}})
    routing = policy["TrafficRoutingConfiguration"]
    steps = (total,)
    if routing["Type"] == "CANARY":
        steps = (_batch("CanarySize", routing["CanarySize"], total), total)
    elif routing["Type"] == "LINEAR":
        steps = _steps(_batch("LinearStepSize", routing["LinearStepSize"], total), total)
    limit = policy.get("MaximumExecutionTimeoutInSeconds", math.inf)
    return _within(Plan(False, steps, routing["WaitIntervalInSeconds"], policy.get("TerminationWaitInSeconds", 0), limit, alarms))


def copies_plan(config: dict[str, Any] | None, copies: int) -> Plan:
    """The plan for an update of an inference component to `copies` copies; without a configuration all at once, without a bake. Raises ApiError.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentRollingUpdatePolicy.html
    """
    if not config or copies == 0:
        return Plan(True, (copies,), 0, 0, math.inf, ())
    alarms = _alarms(config)
    policy = config["RollingUpdatePolicy"]
    steps = _steps(_batch("MaximumBatchSize", policy["MaximumBatchSize"], copies), copies)
    back = _batch("RollbackMaximumBatchSize", policy["RollbackMaximumBatchSize"], copies) if "RollbackMaximumBatchSize" in policy else 0
    return _within(Plan(True, steps, policy["WaitIntervalInSeconds"], 0, policy.get("MaximumExecutionTimeoutInSeconds", math.inf), alarms, back))


def _alarms(config: dict[str, Any]) -> tuple[str, ...]:
    alarms = tuple(alarm["AlarmName"] for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", []))
    missing = sorted(set(alarms) - states(alarms).keys())
    if missing:
        raise ApiError("ValidationException", f"AutoRollbackConfiguration names alarms that do not exist: {', '.join(missing)}.")
    return alarms


def shape(config: dict[str, Any]) -> None:
    """What is wrong with a configuration whatever the fleet is. Raises ApiError."""
    if "BlueGreenUpdatePolicy" in config and "RollingUpdatePolicy" in config:
        raise ApiError("ValidationException", "Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy can be given in a DeploymentConfig.")
    routing = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    for kind, member in (("CANARY", "CanarySize"), ("LINEAR", "LinearStepSize")):
        if (routing.get("Type") == kind) != (member in routing):
            raise ApiError("ValidationException", f"{member} belongs to the traffic routing type {kind}: give both or none.")


def states(alarms: tuple[str, ...]) -> dict[str, str]:
    """The state of each alarm that exists."""
    found = {name: _cloudwatch._alarms.get(name) or _cloudwatch._composite_alarms.get(name) for name in alarms}
    return {name: alarm["StateValue"] for name, alarm in found.items() if alarm}


class Watch:
    """The clock and the alarms of one deployment. Raises Tripped from every method when an alarm is in ALARM or the time is over.

    Waits count in platform seconds and starts of containers in the real seconds that they take, because no clock speeds those up.
    """

    def __init__(self, of: Plan) -> None:
        self._plan, self._spent, self._since = of, 0.0, time.monotonic()

    def look(self) -> None:
        """Looks once."""
        for name, state in sorted(states(self._plan.alarms).items()):
            if state == "ALARM":
                raise Tripped(f"auto-rollback: the alarm {name} is in ALARM")
        if self._spent + (time.monotonic() - self._since) > self._plan.limit_seconds:
            raise Tripped(f"the deployment took longer than its MaximumExecutionTimeoutInSeconds of {self._plan.limit_seconds:.0f}")

    def wait(self, seconds: float, alarms: bool = True) -> None:
        """Lets `seconds` platform seconds pass."""
        started = time.monotonic()
        end = started + clock.scaled(seconds)
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, max(clock.scaled(LOOK_EVERY_SECONDS), 0.05)))
            if alarms:
                self.look()
        self._since += time.monotonic() - started
        self._spent += seconds
        if alarms:
            self.look()


def _batch(member: str, size: dict[str, Any], total: int) -> int:
    """Instances or copies of a batch. Percentages are rounded down to at least one; one more than the bound allows is refused."""
    unit, of = ("copies", "the component's") if size["Type"] == "COPY_COUNT" else ("instance(s)", "the variant's")
    count = max(1, total * size["Value"] // 100) if size["Type"] == "CAPACITY_PERCENT" else size["Value"]
    least, most = _BOUNDS[member]
    share = size["Value"] if size["Type"] == "CAPACITY_PERCENT" else count / total * 100
    if not least <= share <= most or count > total * most / 100:
        raise ApiError(
            "ValidationException",
            f"{member} must be {f'{least}-' if least else 'at most '}{most} % of {of} {total} {unit}, got {size['Value']} ({size['Type']}) = {count} {unit}.",
        )
    return count


def _steps(batch: int, total: int) -> tuple[int, ...]:
    return tuple([*range(batch, total, batch), total])


def _within(made: Plan) -> Plan:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html"""
    waits = len(made.steps) * made.bake_seconds + made.termination_seconds
    if made.limit_seconds <= waits:
        raise ApiError("ValidationException", f"MaximumExecutionTimeoutInSeconds must be larger than the waits of the deployment, {waits} s in all, got {made.limit_seconds:.0f}.")
    return made
