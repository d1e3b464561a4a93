"""The alarms that a target tracking policy makes for itself, and the metric behind them.

Names, periods and thresholds are those that deployed policies show: high is three of three minutes above the target, low is fifteen of fifteen
below nine tenths of it; on a high-resolution metric six and ninety periods of ten seconds. AWS publishes none of these figures
(https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html).
"""
from __future__ import annotations

import time
import uuid
from typing import Any, Mapping, Optional

import ministack.services.cloudwatch as _cloudwatch

from .. import aws
from ..alarms import evaluator, series
from ..alarms.decision import EXTRA_PERIODS
from . import dimensions
from .decision import LOW_SHARE

HIGH_PERIODS, LOW_PERIODS = {60: 3, 10: 6}, {60: 15, 10: 90}
"""Datapoints to alarm, by period."""
SAMPLES = {60: 1, 10: 6}
"""Datapoints whose mean the capacity is computed from: our model, the last minute."""


def put(policy: dict[str, Any]) -> list[dict[str, str]]:
    """Makes the alarms of a policy anew. Without a way in there is no low alarm: our model, as nothing would follow from it."""
    remove(policy)
    config = policy["TargetTrackingScalingPolicyConfiguration"]
    metric = _metric(policy, config)
    period, target = _period(policy, config), config["TargetValue"]
    wanted = [("AlarmHigh", "GreaterThanThreshold", target, HIGH_PERIODS[period])]
    if not config.get("DisableScaleIn"):
        wanted.append(("AlarmLow", "LessThanThreshold", target * LOW_SHARE, LOW_PERIODS[period]))
    alarms = []
    for side, comparison, threshold, periods in wanted:
        name = f"TargetTracking-{policy['ResourceId']}-{side}-{uuid.uuid4()}"
        limits = {"ComparisonOperator": comparison, "Threshold": threshold, "EvaluationPeriods": periods}
        alarm = _record(name, policy, {**metric, **limits})
        _cloudwatch._alarms[name] = alarm
        alarms.append({"AlarmName": name, "AlarmARN": alarm["AlarmArn"]})
    return alarms


def remove(policy: Mapping[str, Any]) -> None:
    """Deletes the alarms of a policy."""
    for alarm in policy.get("Alarms") or []:
        _cloudwatch._alarms.pop(alarm["AlarmName"], None)


def of(policy: Mapping[str, Any], side: str) -> Optional[dict[str, Any]]:
    """The alarm of one side, AlarmHigh or AlarmLow."""
    names = [alarm["AlarmName"] for alarm in policy.get("Alarms") or [] if f"-{side}-" in alarm["AlarmName"]]
    return _cloudwatch._alarms.get(names[0]) if names else None


def value(alarm: dict[str, Any], now: float) -> Optional[float]:
    """The metric as it is now: the mean of the last datapoints; None when there are none.

    Older ones do not count, however long the alarm looks back: a fleet that was at zero is not measured by what was before.
    """
    period = evaluator.period_of(alarm)
    spans = series.windows(period, SAMPLES[period] + EXTRA_PERIODS, now)
    recent = [point for point in evaluator.values_of(alarm, spans) if point is not None][-SAMPLES[period] :]
    return sum(recent) / len(recent) if recent else None


def _period(policy: Mapping[str, Any], config: Mapping[str, Any]) -> int:
    named = config.get("PredefinedMetricSpecification")
    return 60 if named is None else _predefined(policy, named)[0].period


def _predefined(policy: Mapping[str, Any], named: Mapping[str, Any]) -> tuple[dimensions.Metric, dict[str, str]]:
    dimension = dimensions.find(policy["ServiceNamespace"], policy["ScalableDimension"], policy["ResourceId"])
    match = dimension.resource.fullmatch(policy["ResourceId"])
    return dimensions.predefined(dimension, named["PredefinedMetricType"]), match.groupdict() if match else {}


def _metric(policy: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """What the alarms watch: one metric, or the queries of metric math."""
    named, custom = config.get("PredefinedMetricSpecification"), config.get("CustomizedMetricSpecification")
    if named is not None:
        metric, values = _predefined(policy, named)
        pairs = [{"Name": name, "Value": text} for name, text in values.items()]
        return {"Namespace": "AWS/SageMaker", "MetricName": metric.name, "Statistic": metric.statistic, "Period": metric.period, "Dimensions": pairs}
    if custom.get("Metrics"):
        return {"Metrics": [_query(query) for query in custom["Metrics"]]}
    single = {"Namespace": custom["Namespace"], "MetricName": custom["MetricName"], "Statistic": custom["Statistic"], "Period": 60}
    return {**single, "Dimensions": custom.get("Dimensions") or [], "Unit": custom.get("Unit")}


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    """Policies have no period: it is a minute."""
    made = {"ReturnData": True, **query}
    if "MetricStat" in query:
        made["MetricStat"] = {**query["MetricStat"], "Period": 60}
    return made


def _record(name: str, policy: Mapping[str, Any], watched: Mapping[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    return {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:{aws.region()}:{aws.ACCOUNT_ID}:alarm:{name}",
        "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy['PolicyARN']}.",
        **watched,
        "DatapointsToAlarm": watched["EvaluationPeriods"],
        "TreatMissingData": "missing",
        "StateValue": "INSUFFICIENT_DATA",
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": now,
        "AlarmConfigurationUpdatedTimestamp": now,
        "ActionsEnabled": True,
        "AlarmActions": [policy["PolicyARN"]],
        "OKActions": [],
        "InsufficientDataActions": [],
    }
