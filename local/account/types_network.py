"""CloudFormation types of VPCs that the emulator's table lacks, over its own EC2 API. Nothing filters traffic."""
from __future__ import annotations

from typing import Any, Callable

from . import aws, cfn

_RULE_KEYS = ("CidrIp", "CidrIpv6", "Description", "FromPort", "GroupId", "GroupName", "IpProtocol", "ToPort")
_INGRESS = (*_RULE_KEYS, "SourcePrefixListId", "SourceSecurityGroupId", "SourceSecurityGroupName", "SourceSecurityGroupOwnerId")
_EGRESS = (*_RULE_KEYS, "DestinationPrefixListId", "DestinationSecurityGroupId")


def install() -> None:
    """Registers them."""
    for type, keys, grant, revoke in (
        ("AWS::EC2::SecurityGroupIngress", _INGRESS, "authorize_security_group_ingress", "revoke_security_group_ingress"),
        ("AWS::EC2::SecurityGroupEgress", _EGRESS, "authorize_security_group_egress", "revoke_security_group_egress"),
    ):
        cfn.register(type, _rule_create(grant), None, cfn.forgiving(_rule_delete(revoke)), replacing=keys)
    cfn.register(
        "AWS::EC2::FlowLog", _flow_log_create, _tags_update("Id"), cfn.forgiving(_flow_log_delete),
        replacing=("DeliverLogsPermissionArn", "LogDestination", "LogDestinationType", "LogFormat", "LogGroupName", "MaxAggregationInterval",
                   "ResourceId", "ResourceType", "TrafficType", "DestinationOptions"),
    )  # fmt: skip


def _permission(props: dict) -> dict[str, Any]:
    described = {"Description": props["Description"]} if props.get("Description") else {}
    permission: dict[str, Any] = {"IpProtocol": str(props["IpProtocol"])}
    for key in ("FromPort", "ToPort"):
        if key in props:
            permission[key] = int(props[key])
    if "CidrIp" in props:
        permission["IpRanges"] = [{"CidrIp": props["CidrIp"], **described}]
    if "CidrIpv6" in props:
        permission["Ipv6Ranges"] = [{"CidrIpv6": props["CidrIpv6"], **described}]
    prefix = props.get("SourcePrefixListId") or props.get("DestinationPrefixListId")
    if prefix:
        permission["PrefixListIds"] = [{"PrefixListId": prefix, **described}]
    group = props.get("SourceSecurityGroupId") or props.get("DestinationSecurityGroupId")
    if group:
        permission["UserIdGroupPairs"] = [{"GroupId": group, **described}]
    return permission


def _rule_create(grant: str) -> cfn.Create:
    def create(logical_id: str, props: dict, stack: str) -> cfn.Created:
        answer = getattr(aws.client("ec2"), grant)(GroupId=props["GroupId"], IpPermissions=[_permission(props)])
        rule = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return rule, {"Id": rule}

    return create


def _rule_delete(revoke: str) -> cfn.Delete:
    def delete(physical_id: str, props: dict) -> None:
        getattr(aws.client("ec2"), revoke)(GroupId=props["GroupId"], SecurityGroupRuleIds=[physical_id])

    return delete


def _flow_log_create(logical_id: str, props: dict, stack: str) -> cfn.Created:
    keys = ("DeliverLogsPermissionArn", "LogDestination", "LogDestinationType", "LogGroupName", "ResourceType", "TrafficType")
    arguments = {key: props[key] for key in keys if key in props}
    answer = aws.client("ec2").create_flow_logs(ResourceIds=[props["ResourceId"]], **arguments)
    _tag(answer["FlowLogIds"][0], props)
    return answer["FlowLogIds"][0], {"Id": answer["FlowLogIds"][0]}


def _flow_log_delete(physical_id: str, props: dict) -> None:
    aws.client("ec2").delete_flow_logs(FlowLogIds=[physical_id])


def _tags_update(attribute: str) -> Callable[..., cfn.Created]:
    def update(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
        _tag(physical_id, new)
        return physical_id, {attribute: physical_id}

    return update


def _tag(resource: str, props: dict) -> None:
    tags = [{"Key": tag["Key"], "Value": tag["Value"]} for tag in props.get("Tags") or []]
    if tags:
        aws.client("ec2").create_tags(Resources=[resource], Tags=tags)
