"""CloudFormation types that only keep their properties: no service stands behind them (class `stub` in coverage.json)."""
from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Callable

from . import aws, cfn

_records: dict[tuple[str, str], dict] = {}


@dataclass(frozen=True)
class Stub:
    """`identify(props)` gives the Ref, `attributes(ref)` the Fn::GetAtt values, `required` what must be there."""

    type: str
    identify: Callable[[dict], str]
    attributes: Callable[[str], cfn.Attributes]
    required: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()


def _id(props: dict) -> str:
    return str(uuid.uuid4())


def _cost_arn(kind: str) -> Callable[[dict], str]:
    return lambda props: f"arn:aws:ce::{aws.ACCOUNT_ID}:{kind}/{uuid.uuid4()}"


STUBS = (
    Stub("AWS::CloudWatch::AnomalyDetector", _id, lambda ref: {"Id": ref}, (), ("Dimensions", "MetricName", "Namespace", "Stat", "MetricMathAnomalyDetector", "SingleMetricAnomalyDetector")),
    Stub("AWS::Logs::QueryDefinition", _id, lambda ref: {"QueryDefinitionId": ref}, ("Name", "QueryString")),
    Stub("AWS::CE::AnomalyMonitor", _cost_arn("anomalymonitor"), lambda ref: {"MonitorArn": ref, "CreationDate": "", "LastEvaluatedDate": "", "LastUpdatedDate": "", "DimensionalValueCount": 0}, ("MonitorName", "MonitorType"), ("MonitorType", "MonitorDimension", "MonitorSpecification", "ResourceTags")),
    Stub("AWS::CE::AnomalySubscription", _cost_arn("anomalysubscription"), lambda ref: {"SubscriptionArn": ref, "AccountId": aws.ACCOUNT_ID}, ("Frequency", "MonitorArnList", "Subscribers", "SubscriptionName"), ("ResourceTags",)),
)  # fmt: skip


def install() -> None:
    """Registers them."""
    for stub in STUBS:
        cfn.register(stub.type, _create(stub), _update(stub), _delete(stub), read=(_reader(stub), ()), replacing=stub.replacing, worker=False)


def _create(stub: Stub) -> cfn.Create:
    def create(logical_id: str, props: dict, stack: str) -> cfn.Created:
        _check(stub, props)
        ref = stub.identify(props)
        _records[stub.type, ref] = props
        return ref, stub.attributes(ref)

    return create


def _update(stub: Stub) -> cfn.Update:
    def update(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
        _check(stub, new)
        _records[stub.type, physical_id] = new
        return physical_id, stub.attributes(physical_id)

    return update


def _delete(stub: Stub) -> cfn.Delete:
    return lambda physical_id, props: _records.pop((stub.type, physical_id), None)


def _reader(stub: Stub) -> Callable[[str, dict], dict | None]:
    return lambda physical_id, props: {} if (stub.type, physical_id) in _records else None


def _check(stub: Stub, props: dict) -> None:
    missing = [key for key in stub.required if key not in props]
    if missing:
        raise ValueError(f"{stub.type} lacks {', '.join(missing)}")
