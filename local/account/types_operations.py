"""CloudFormation types for watching and budgeting: thin handlers over the account's own APIs."""
from __future__ import annotations

import json
from typing import Any

import ministack.services.cloudwatch as _cloudwatch

from . import aws, cfn

_COMPOSITE = (
    "AlarmRule", "AlarmActions", "OKActions", "InsufficientDataActions", "AlarmDescription",
)  # fmt: skip
_ARCHIVE_RETENTION_FOREVER = 0


def install() -> None:
    """Registers them."""
    cfn.register("AWS::CloudWatch::CompositeAlarm", _composite_create, _composite_update, _composite_delete, replacing=("AlarmName",), custom_name="AlarmName")
    cfn.register(
        "AWS::Budgets::Budget", _budget_create, _budget_update, cfn.forgiving(_budget_delete), replacing=("NotificationsWithSubscribers", "ResourceTags")
    )
    cfn.register("AWS::Events::Archive", _archive_create, _archive_update, cfn.forgiving(_archive_delete), replacing=("ArchiveName", "SourceArn"), custom_name="ArchiveName")


def _composite_put(name: str, props: dict) -> cfn.Created:
    suppressor = props.get("ActionsSuppressor")
    if suppressor:
        raise ValueError("ActionsSuppressor of AWS::CloudWatch::CompositeAlarm is not modelled in the local account")
    arguments: dict[str, Any] = {key: props[key] for key in _COMPOSITE if key in props}
    arguments["ActionsEnabled"] = str(props.get("ActionsEnabled", True)).lower() != "false"
    aws.client("cloudwatch").put_composite_alarm(AlarmName=name, **arguments)
    arn = _cloudwatch._composite_alarms[name]["AlarmArn"]
    return name, {"Arn": arn}


def _composite_create(logical_id: str, props: dict, stack: str) -> cfn.Created:
    name = cfn.physical_name(props, "AlarmName", stack, logical_id, 255)
    tags = [{"Key": tag["Key"], "Value": tag["Value"]} for tag in props.get("Tags") or []]
    created = _composite_put(name, props)
    if tags:
        aws.client("cloudwatch").tag_resource(ResourceARN=created[1]["Arn"], Tags=tags)
    return created


def _composite_update(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
    return _composite_put(physical_id, new)


def _composite_delete(physical_id: str, props: dict) -> None:
    aws.client("cloudwatch").delete_alarms(AlarmNames=[physical_id])


def _budget_create(logical_id: str, props: dict, stack: str) -> cfn.Created:
    budget = _budget(props, cfn.physical_name(props["Budget"], "BudgetName", stack, logical_id, 100))
    subscribers = [
        {"Notification": {**item["Notification"], "Threshold": float(item["Notification"]["Threshold"])}, "Subscribers": item["Subscribers"]}
        for item in props.get("NotificationsWithSubscribers") or []
    ]
    extra = {"NotificationsWithSubscribers": subscribers} if subscribers else {}
    aws.client("budgets").create_budget(AccountId=aws.ACCOUNT_ID, Budget=budget, **extra)
    return budget["BudgetName"], {"Id": budget["BudgetName"]}


def _budget_update(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
    aws.client("budgets").update_budget(AccountId=aws.ACCOUNT_ID, NewBudget=_budget(new, physical_id))
    return physical_id, {"Id": physical_id}


def _budget_delete(physical_id: str, props: dict) -> None:
    aws.client("budgets").delete_budget(AccountId=aws.ACCOUNT_ID, BudgetName=physical_id)


def _budget(props: dict, name: str) -> dict[str, Any]:
    budget = {**props["Budget"], "BudgetName": name}
    if "BudgetLimit" in budget:
        budget["BudgetLimit"] = {"Amount": str(budget["BudgetLimit"]["Amount"]), "Unit": budget["BudgetLimit"]["Unit"]}
    for key, value in list((budget.get("CostTypes") or {}).items()):
        budget["CostTypes"][key] = str(value).lower() == "true"
    return budget


def _archive_create(logical_id: str, props: dict, stack: str) -> cfn.Created:
    name = cfn.physical_name(props, "ArchiveName", stack, logical_id, 48)
    aws.client("events").create_archive(ArchiveName=name, EventSourceArn=props["SourceArn"], **_archive(props))
    arn = aws.client("events").describe_archive(ArchiveName=name)["ArchiveArn"]
    return name, {"Arn": arn, "ArchiveName": name}


def _archive_update(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
    aws.client("events").update_archive(ArchiveName=physical_id, **_archive(new))
    arn = aws.client("events").describe_archive(ArchiveName=physical_id)["ArchiveArn"]
    return physical_id, {"Arn": arn, "ArchiveName": physical_id}


def _archive_delete(physical_id: str, props: dict) -> None:
    aws.client("events").delete_archive(ArchiveName=physical_id)


def _archive(props: dict) -> dict[str, Any]:
    pattern = props.get("EventPattern")
    out: dict[str, Any] = {"RetentionDays": int(props.get("RetentionDays") or _ARCHIVE_RETENTION_FOREVER)}
    if props.get("Description"):
        out["Description"] = props["Description"]
    if pattern:
        out["EventPattern"] = pattern if isinstance(pattern, str) else json.dumps(pattern)
    return out
