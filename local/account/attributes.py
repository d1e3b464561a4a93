"""Fn::GetAtt attributes that the emulator's own handlers lack."""
from __future__ import annotations

from . import aws, cfn


def install() -> None:
    """Adds them."""
    cfn.add_attributes("AWS::EC2::VPC", lambda physical_id, props: {"CidrBlock": props.get("CidrBlock", ""), "VpcId": physical_id})
    cfn.add_attributes("AWS::Cognito::UserPool", _user_pool)


def _user_pool(physical_id: str, props: dict) -> dict[str, str]:
    name = f"cognito-idp.{aws.region()}.amazonaws.com/{physical_id}"
    return {"ProviderName": name, "ProviderURL": f"https://{name}"}
