"""The model registry of the local account, through boto3 and CloudFormation. [M1] [R3]"""
from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sagemaker_account import IMAGE, ROLE, Account, resource, until

from account import readback

GROUP_ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package-group/"
PACKAGE_ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/"


@pytest.fixture(scope="module")
def account(account_url: str) -> Account:
    return Account(account_url)


def group(account: Account, name: str, **more: Any) -> str:
    return account.sagemaker.create_model_package_group(ModelPackageGroupName=name, **more)["ModelPackageGroupArn"]


def package(account: Account, name: str, url: str = "s3://artifacts/none/model.tar.gz", **more: Any) -> str:
    container = {"Image": IMAGE, "ModelDataUrl": url, "Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}
    specification = {"Containers": [container], "SupportedContentTypes": ["application/json"], "SupportedResponseMIMETypes": ["application/json"]}
    return account.sagemaker.create_model_package(ModelPackageGroupName=name, InferenceSpecification=specification, **more)["ModelPackageArn"]


def approve(account: Account, arn: str, status: str = "Approved", **more: Any) -> None:
    account.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status, **more)


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**params)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_versions_count_up_in_a_group_and_none_is_used_again(account: Account) -> None:
    assert group(account, "Counted") == GROUP_ARN + "counted"
    assert [package(account, "Counted") for _ in range(2)] == [PACKAGE_ARN + "counted/1", PACKAGE_ARN + "counted/2"]
    account.sagemaker.delete_model_package(ModelPackageName=PACKAGE_ARN + "counted/2")
    assert package(account, "Counted") == PACKAGE_ARN + "counted/3"
    found = account.sagemaker.describe_model_package(ModelPackageName="counted/3")
    assert (found["ModelPackageGroupName"], found["ModelPackageVersion"], found["ModelApprovalStatus"], found["ModelPackageStatus"]) == ("Counted", 3, "PendingManualApproval", "Completed")


def test_one_client_token_makes_one_version_and_fails_with_other_parameters(account: Account) -> None:
    group(account, "tokens")
    first = package(account, "tokens", ClientToken="run-1")
    assert package(account, "tokens", ClientToken="run-1") == first
    assert package(account, "tokens", ClientToken="run-2") == PACKAGE_ARN + "tokens/2"
    code, message = refused(lambda: package(account, "tokens", url="s3://artifacts/other/model.tar.gz", ClientToken="run-1"))
    assert code == "ConflictException" and first in message


def test_an_update_approves_merges_properties_and_removes_them(account: Account) -> None:
    group(account, "updated")
    arn = package(account, "updated", CustomerMetadataProperties={"dataset": "d1", "code": "c1"}, ModelCard={"ModelCardContent": "{}", "ModelCardStatus": "Draft"})
    approve(account, arn, ApprovalDescription="gate passed", CustomerMetadataProperties={"code": "c2", "mark": "x"}, ModelCard={"ModelCardStatus": "Approved"})
    account.sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataPropertiesToRemove=["mark"])
    found = account.sagemaker.describe_model_package(ModelPackageName=arn)
    assert (found["ModelApprovalStatus"], found["ApprovalDescription"]) == ("Approved", "gate passed")
    assert found["CustomerMetadataProperties"] == {"dataset": "d1", "code": "c2"}
    assert found["ModelCard"] == {"ModelCardContent": "{}", "ModelCardStatus": "Approved"}


def test_versions_are_listed_by_group_status_and_page_oldest_first_unless_asked(account: Account) -> None:
    group(account, "listed")
    group(account, "listed-other")
    package(account, "listed-other")
    arns = [package(account, "listed") for _ in range(12)]
    approve(account, arns[3])
    listed = account.sagemaker.list_model_packages
    first = listed(ModelPackageGroupName="listed")
    assert [one["ModelPackageArn"] for one in first["ModelPackageSummaryList"]] == arns[:10]
    assert [one["ModelPackageVersion"] for one in listed(ModelPackageGroupName="listed", NextToken=first["NextToken"])["ModelPackageSummaryList"]] == [11, 12]
    pages = account.sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=GROUP_ARN + "listed", SortBy="CreationTime", SortOrder="Descending", MaxResults=5)
    assert [one["ModelPackageVersion"] for page in pages for one in page["ModelPackageSummaryList"]] == list(range(12, 0, -1))
    approved = listed(ModelPackageGroupName="listed", ModelApprovalStatus="Approved")["ModelPackageSummaryList"]
    assert [one["ModelPackageArn"] for one in approved] == [arns[3]]
    assert refused(listed, ModelPackageGroupName="listed", NextToken="nothing")[0] == "ValidationException"


def test_fails_to_delete_a_group_with_versions_and_deletes_an_empty_one(account: Account) -> None:
    group(account, "full")
    arn = package(account, "full")
    code, message = refused(account.sagemaker.delete_model_package_group, ModelPackageGroupName="full")
    assert (code, "still contains 1 model package" in message) == ("ConflictException", True)
    account.sagemaker.delete_model_package(ModelPackageName=arn)
    account.sagemaker.delete_model_package_group(ModelPackageGroupName="full")
    assert refused(account.sagemaker.describe_model_package_group, ModelPackageGroupName="full") == ("ValidationException", f"ModelPackageGroup {GROUP_ARN}full does not exist.")


@pytest.mark.parametrize(("params", "message"), [
    ({"ModelPackageGroupName": "nowhere"}, "model-package-group/nowhere does not exist"),
    ({}, "Exactly one of ModelPackageName and ModelPackageGroupName"),
    ({"ModelPackageGroupName": "refusing", "Tags": [{"Key": "a", "Value": "b"}]}, "a version uses the tags of its group"),
    ({"ModelPackageGroupName": "refusing", "ModelApprovalStatus": "Maybe"}, "enum value set"),
])  # fmt: skip
def test_fails_a_version_that_makes_no_sense(account: Account, params: dict, message: str) -> None:
    if "refusing" not in [one["ModelPackageGroupName"] for one in account.sagemaker.list_model_package_groups(NameContains="refusing")["ModelPackageGroupSummaryList"]]:
        group(account, "refusing")
    assert message in refused(account.sagemaker.create_model_package, **params)[1]


def test_a_groups_policy_is_put_read_and_deleted_and_fails_when_it_is_none(account: Account) -> None:
    sagemaker, name = account.sagemaker, "policed"
    group(account, name, Tags=[{"Key": "owner", "Value": "models"}])
    assert sagemaker.list_tags(ResourceArn=GROUP_ARN + name)["Tags"] == [{"Key": "owner", "Value": "models"}]
    assert "Cannot find resource policy" in refused(sagemaker.get_model_package_group_policy, ModelPackageGroupName=name)[1]
    statement = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sagemaker:DescribeModelPackage", "Resource": PACKAGE_ARN + name + "/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sagemaker.put_model_package_group_policy(ModelPackageGroupName=name, ResourcePolicy=policy)
    assert sagemaker.get_model_package_group_policy(ModelPackageGroupName=name)["ResourcePolicy"] == policy
    assert "not a policy" in refused(sagemaker.put_model_package_group_policy, ModelPackageGroupName=name, ResourcePolicy="text")[1]
    sagemaker.delete_model_package_group_policy(ModelPackageGroupName=name)
    assert "Cannot find" in refused(sagemaker.get_model_package_group_policy, ModelPackageGroupName=name)[1]


def test_each_change_of_a_version_sends_one_event_in_order_and_copies_when_faults_ask(account: Account) -> None:
    receive = account.events("packages", {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"], "detail": {"ModelPackageGroupName": [{"prefix": "told-"}]}})
    group(account, "told-one")
    arn = package(account, "told-one", CustomerMetadataProperties={"dataset": "d1"})
    approve(account, arn)
    seen = receive(2)
    assert [(event["detail"]["ModelApprovalStatus"], event["detail"]["ModelPackageVersion"]) for event in seen] == [("PendingManualApproval", 1), ("Approved", 1)]
    assert seen[1]["resources"] == [arn] and seen[1]["detail"]["ModelPackageArn"] == arn
    assert seen[1]["detail"]["ModelPackageStatus"] == "Completed" and seen[1]["detail"]["CustomerMetadataProperties"] == {"dataset": "d1"}
    try:
        assert account.faults("PUT", {"eventCopies": 3})[0] == 200
        approve(account, arn, "Rejected")
        assert [event["detail"]["ModelApprovalStatus"] for event in receive(5)][2:] == ["Rejected"] * 3
    finally:
        account.faults("DELETE")


def test_fails_a_caller_who_pretends_to_be_sagemaker(account: Account) -> None:
    answer = account.client("events").put_events(Entries=[{"Source": "aws.sagemaker", "DetailType": "x", "Detail": "{}"}])
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"


def test_a_model_of_an_approved_version_serves_what_the_version_has(account: Account) -> None:
    group(account, "served")
    arn = package(account, "served", account.artifact("served", "7"), ModelApprovalStatus="Approved")
    account.sagemaker.create_model(ModelName="served", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": arn})
    container = account.sagemaker.describe_model(ModelName="served")["PrimaryContainer"]
    assert container["ModelPackageName"] == arn and "Image" not in container and "ModelDataUrl" not in container
    account.config_of("served", "served")
    assert account.endpoint("served", "served")["EndpointStatus"] == "InService"
    assert account.invoke("served")["weight"] == "7"


def test_fails_a_model_of_a_version_that_cannot_be_deployed(account: Account) -> None:
    group(account, "barred")
    arn = package(account, "barred")
    create = lambda **container: refused(account.sagemaker.create_model, ModelName="barred", ExecutionRoleArn=ROLE, PrimaryContainer=container)[1]  # noqa: E731
    assert "is PendingManualApproval: it must be Approved" in create(ModelPackageName=arn)
    approve(account, arn, "Rejected")
    assert "is Rejected" in create(ModelPackageName=arn)
    assert "barred/9 does not exist" in create(ModelPackageName=PACKAGE_ARN + "barred/9")
    approve(account, arn)
    assert "Image can not be given with a ModelPackageName" in create(ModelPackageName=arn, Image=IMAGE)


def test_several_versions_are_described_at_once_and_missing_ones_named(account: Account) -> None:
    group(account, "batch")
    arn, gone = package(account, "batch"), PACKAGE_ARN + "batch/5"
    answer = account.sagemaker.batch_describe_model_package(ModelPackageArnList=[arn, gone])
    assert list(answer["ModelPackageSummaries"]) == [arn] and list(answer["BatchDescribeModelPackageErrorMap"]) == [gone]


def test_a_card_keeps_a_version_for_each_content(account: Account) -> None:
    sagemaker = account.sagemaker
    sagemaker.create_model_card(ModelCardName="card", Content='{"a":1}', ModelCardStatus="Draft")
    sagemaker.update_model_card(ModelCardName="card", ModelCardStatus="PendingReview")
    sagemaker.update_model_card(ModelCardName="card", Content='{"a":2}', ModelCardStatus="Approved")
    newest, first = sagemaker.describe_model_card(ModelCardName="card"), sagemaker.describe_model_card(ModelCardName="card", ModelCardVersion=1)
    assert (newest["ModelCardVersion"], newest["Content"], newest["ModelCardStatus"]) == (2, '{"a":2}', "Approved")
    assert (first["Content"], first["ModelCardStatus"]) == ('{"a":1}', "PendingReview")
    assert [card["ModelCardName"] for card in sagemaker.list_model_cards(ModelCardStatus="Approved")["ModelCardSummaries"]] == ["card"]
    assert refused(sagemaker.create_model_card, ModelCardName="card", Content="{}", ModelCardStatus="Draft")[0] == "ConflictException"
    assert "JSON object" in refused(sagemaker.update_model_card, ModelCardName="card", Content="text")[1]


def template(policy: Any, **more: Any) -> str:
    properties = {"ModelPackageGroupDescription": "delays", "Tags": [{"Key": "layer", "Value": "models"}], **more, **({"ModelPackageGroupPolicy": policy} if policy else {})}
    return json.dumps({
        "Resources": {"Group": resource("AWS::SageMaker::ModelPackageGroup", ModelPackageGroupName="from-stack", **properties)},
        "Outputs": {"Ref": {"Value": {"Ref": "Group"}}, "Status": {"Value": {"Fn::GetAtt": ["Group", "ModelPackageGroupStatus"]}}},
    })  # fmt: skip


def drift(cloudformation: Any) -> str:
    detection = cloudformation.detect_stack_drift(StackName="registry")["StackDriftDetectionId"]
    describe = lambda: cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)  # noqa: E731
    return until(lambda: (found := describe())["DetectionStatus"] != "DETECTION_IN_PROGRESS" and found)["StackDriftStatus"]


def test_a_stack_makes_a_group_with_policy_and_tags_changes_both_in_place_and_sees_drift(account: Account) -> None:
    cloudformation, sagemaker = account.client("cloudformation"), account.sagemaker
    status = lambda: cloudformation.describe_stacks(StackName="registry")["Stacks"][0]  # noqa: E731
    ends = lambda: until(lambda: not (stack := status())["StackStatus"].endswith("IN_PROGRESS") and stack)  # noqa: E731
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sagemaker:ListModelPackages", "Resource": GROUP_ARN + "from-stack"}]}
    cloudformation.create_stack(StackName="registry", TemplateBody=template(policy))
    stack = ends()
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    assert {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]} == {"Ref": GROUP_ARN + "from-stack", "Status": "Completed"}
    assert json.loads(sagemaker.get_model_package_group_policy(ModelPackageGroupName="from-stack")["ResourcePolicy"]) == policy
    assert drift(cloudformation) == "IN_SYNC"
    changed = {**policy, "Statement": [{**policy["Statement"][0], "Action": "sagemaker:*"}]}
    sagemaker.put_model_package_group_policy(ModelPackageGroupName="from-stack", ResourcePolicy=json.dumps(changed))
    assert drift(cloudformation) == "DRIFTED"
    assert readback.run(["registry"]) == {"read": 1, "missing": [], "typesWithoutReader": []}
    package(account, "from-stack")
    cloudformation.update_stack(StackName="registry", TemplateBody=template(None, Tags=[{"Key": "layer", "Value": "delivery"}]))
    assert ends()["StackStatus"] == "UPDATE_COMPLETE"
    assert sagemaker.list_tags(ResourceArn=GROUP_ARN + "from-stack")["Tags"] == [{"Key": "layer", "Value": "delivery"}]
    assert "Cannot find" in refused(sagemaker.get_model_package_group_policy, ModelPackageGroupName="from-stack")[1]
    assert sagemaker.describe_model_package(ModelPackageName="from-stack/1")["ModelPackageVersion"] == 1, "the group was replaced"
    cloudformation.delete_stack(StackName="registry")
    assert ends()["StackStatus"] == "DELETE_FAILED", "a group with versions stays"
    sagemaker.delete_model_package(ModelPackageName="from-stack/1")
    cloudformation.delete_stack(StackName="registry")
    until(lambda: "does not exist" in refused(sagemaker.describe_model_package_group, ModelPackageGroupName="from-stack")[1])
