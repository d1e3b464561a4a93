"""Stacks with an endpoint in the local account: what their status says of the endpoint, and the way out of UPDATE_ROLLBACK_FAILED. [R3]"""
from __future__ import annotations

import json
from typing import Iterator

import pytest
from botocore.exceptions import ClientError
from sagemaker_account import IMAGE, ROLE, Account, resource, until

BROKEN = "raise RuntimeError('no such weights')"


@pytest.fixture(scope="module")
def account(account_url: str) -> Account:
    return Account(account_url)


@pytest.fixture(autouse=True)
def no_faults(account: Account) -> Iterator[None]:
    yield
    account.faults("DELETE")


def stack(weight: str, name: str = "silent") -> str:
    """A model, its configuration and its endpoint. Logical ids follow the weight, so that a new one replaces the first two."""
    model, config = f"Model{weight}", f"Config{weight}"
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://artifacts/{name}-{weight}/model.tar.gz"}
    variant = {"VariantName": "AllTraffic", "ModelName": {"Fn::GetAtt": [model, "ModelName"]}, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1, "InitialVariantWeight": 1}
    return json.dumps({"Resources": {
        model: resource("AWS::SageMaker::Model", ExecutionRoleArn=ROLE, PrimaryContainer=container),
        config: resource("AWS::SageMaker::EndpointConfig", ProductionVariants=[variant]),
        "Endpoint": resource("AWS::SageMaker::Endpoint", EndpointName=name, EndpointConfigName={"Fn::GetAtt": [config, "EndpointConfigName"]}),
    }})  # fmt: skip


def outcome(account: Account, name: str) -> str:
    describe = lambda: account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]  # noqa: E731
    return until(lambda: not (status := describe()).endswith("IN_PROGRESS") and status, 60)


def test_a_stack_update_succeeds_although_the_endpoint_is_on_its_old_configuration(account: Account) -> None:
    """As callers of AWS report: https://github.com/hashicorp/terraform-provider-aws/issues/48997."""
    cloudformation = account.client("cloudformation")
    account.artifact("silent-1", "1")
    account.artifact("silent-2", "2", BROKEN)
    account.artifact("silent-3", "3")
    cloudformation.create_stack(StackName="silent", TemplateBody=stack("1"))
    assert outcome(account, "silent") == "CREATE_COMPLETE"
    first = account.describe("silent")["EndpointConfigName"]
    cloudformation.update_stack(StackName="silent", TemplateBody=stack("2"))
    assert outcome(account, "silent") == "UPDATE_COMPLETE"
    found = account.describe("silent")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", first)
    assert account.invoke("silent")["weight"] == "1", "it serves on, although the stack has deleted its configuration"
    cloudformation.update_stack(StackName="silent", TemplateBody=stack("3"))
    assert outcome(account, "silent") == "UPDATE_COMPLETE"
    assert account.invoke("silent")["weight"] == "3"


def test_a_stack_that_cannot_make_its_endpoint_fails(account: Account) -> None:
    account.artifact("hopeless-1", "1", BROKEN)
    account.client("cloudformation").create_stack(StackName="hopeless", TemplateBody=stack("1", name="hopeless"))
    assert outcome(account, "hopeless") in ("ROLLBACK_COMPLETE", "CREATE_FAILED")


def refuse(account: Account, endpoint: str, times: int, after: int = 0) -> None:
    assert account.faults("PUT", {"endpoints": [{"endpoint": endpoint, "refuseUpdates": times, "after": after}]})[0] == 200


def reasons(account: Account, name: str, status: str) -> list[tuple[str, str]]:
    """Which resources had the status, and why, newest first."""
    events = account.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [(event["LogicalResourceId"], event.get("ResourceStatusReason", "")) for event in events if event["ResourceStatus"] == status]


def deployed(account: Account, name: str) -> None:
    for weight in ("1", "2", "3"):
        account.artifact(f"{name}-{weight}", weight)
    account.client("cloudformation").create_stack(StackName=name, TemplateBody=stack("1", name=name))
    assert outcome(account, name) == "CREATE_COMPLETE"


def test_a_refused_update_is_undone_and_the_endpoint_is_updated_again_on_the_way_back(account: Account) -> None:
    deployed(account, "refused")
    refuse(account, "refused", 1)
    account.client("cloudformation").update_stack(StackName="refused", TemplateBody=stack("2", name="refused"))
    assert outcome(account, "refused") == "UPDATE_ROLLBACK_COMPLETE"
    assert account.faults("GET")[1]["endpoints"] == [{"endpoint": "refused", "after": 0, "refuseUpdates": 0}]
    assert [name for name, reason in reasons(account, "refused", "UPDATE_FAILED") if "ResourceLimitExceeded" in reason] == ["Endpoint"]
    assert account.invoke("refused")["weight"] == "1"


def test_a_way_back_that_is_refused_too_leaves_the_stack_for_a_person_who_continues_it(account: Account) -> None:
    deployed(account, "stuck")
    cloudformation = account.client("cloudformation")
    refuse(account, "stuck", 3)
    cloudformation.update_stack(StackName="stuck", TemplateBody=stack("2", name="stuck"))
    assert outcome(account, "stuck") == "UPDATE_ROLLBACK_FAILED"
    assert reasons(account, "stuck", "UPDATE_ROLLBACK_FAILED") == [("stuck", "The following resource(s) failed to update: [Endpoint].")]
    with pytest.raises(ClientError, match="UPDATE_ROLLBACK_FAILED state and can ?not be updated"):
        cloudformation.update_stack(StackName="stuck", TemplateBody=stack("3", name="stuck"))
    cloudformation.continue_update_rollback(StackName="stuck")
    assert outcome(account, "stuck") == "UPDATE_ROLLBACK_FAILED", "the cause is still there"
    assert account.invoke("stuck")["weight"] == "1"
    cloudformation.continue_update_rollback(StackName="stuck")
    assert outcome(account, "stuck") == "UPDATE_ROLLBACK_COMPLETE"
    cloudformation.update_stack(StackName="stuck", TemplateBody=stack("3", name="stuck"))
    assert outcome(account, "stuck") == "UPDATE_COMPLETE"
    assert account.invoke("stuck")["weight"] == "3"


def test_a_rollback_that_skips_the_endpoint_leaves_it_as_it_is(account: Account) -> None:
    deployed(account, "skipped")
    cloudformation = account.client("cloudformation")
    refuse(account, "skipped", 100, after=1)
    cloudformation.update_stack(StackName="skipped", TemplateBody=stack("2", name="skipped"))
    assert outcome(account, "skipped") == "UPDATE_COMPLETE"
    cloudformation.update_stack(StackName="skipped", TemplateBody=stack("3", name="skipped"))
    assert outcome(account, "skipped") == "UPDATE_ROLLBACK_FAILED"
    left = account.faults("GET")[1]["endpoints"]
    cloudformation.continue_update_rollback(StackName="skipped", ResourcesToSkip=["Endpoint"])
    assert outcome(account, "skipped") == "UPDATE_ROLLBACK_COMPLETE"
    assert account.faults("GET")[1]["endpoints"] == left == [{"endpoint": "skipped", "after": 0, "refuseUpdates": 98}]
    assert account.invoke("skipped")["weight"] == "2"
    with pytest.raises(ClientError, match="cannot be called from current stack status"):
        cloudformation.continue_update_rollback(StackName="skipped")
