"""Alarm records: what templates and PutMetricAlarm say, kept in full (the emulator drops metric math and more)."""
from __future__ import annotations

import copy
from typing import Any, Mapping

import ministack.services.cloudformation.provisioners as _provisioners
import ministack.services.cloudwatch as _cloudwatch

KEPT = ("Metrics", "ThresholdMetricId", "EvaluateLowSampleCountPercentile")
_SINGLE_METRIC = ("Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit")


def install() -> None:
    """Corrects both ways by which an alarm is written."""
    _provisioners._cw_metric_alarm_record = _from_template(_provisioners._cw_metric_alarm_record)
    _cloudwatch._put_metric_alarm = _from_request(_cloudwatch._put_metric_alarm)


def queries(alarm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The alarm's metric queries with numbers as numbers; empty for an alarm on one metric."""
    result = copy.deepcopy(list(alarm.get("Metrics") or []))
    for query in result:
        query["ReturnData"] = str(query.get("ReturnData", True)).lower() != "false"
        if query.get("MetricStat"):
            query["MetricStat"]["Period"] = int(query["MetricStat"]["Period"])
    return result


def _from_template(original: Any) -> Any:
    def record(name: str, props: dict[str, Any]) -> dict[str, Any]:
        if not props.get("Metrics"):
            return _keep(original(name, props), props)
        # The original refuses metric math: give it one metric and put the real queries in afterwards.
        single = {key: value for key, value in props.items() if key != "Metrics"}
        single.update(Namespace="-", MetricName="-", Threshold=props.get("Threshold", 0))
        return _keep(original(name, single), props)

    return record


def _from_request(original: Any) -> Any:
    def put(params: Any, data: dict[str, Any], *rest: Any) -> Any:
        answer = original(params, data, *rest)
        alarm = _cloudwatch._alarms.get(data.get("AlarmName", ""))
        if answer[0] < 400 and alarm is not None:
            _keep(alarm, data)
        return answer

    return put


def _keep(record: dict[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    record.update({key: source[key] for key in KEPT if source.get(key)})
    if record.get("Metrics"):
        record["Metrics"] = queries(record)
        for key in _SINGLE_METRIC:
            record.pop(key, None)
    elif record.get("ExtendedStatistic"):
        record["Statistic"] = None
    return record
