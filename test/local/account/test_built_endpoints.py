"""Stacks with a real-time endpoint of our construct in the local account: what it synthesizes is deployed and behaves. [S1, L3]"""
from __future__ import annotations

import datetime
import json
import subprocess
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import ROOT
from sagemaker_account import IMAGE, PROGRAM, ROLE, Account, until


@pytest.fixture(scope="module")
def account(account_url: str) -> Account:
    return Account(account_url)


STACKS: dict[str, dict[str, Any]] = {
    "prefixed": {"model": "prefixed/"},
    "foldered": {"model": "foldered/"},
    "shadowed": {"model": "shadowed-serving/model.tar.gz", "shadow": {"model": "shadowed-shadow/model.tar.gz", "percent": 100}},
    "pooled": {"model": "pooled/model.tar.gz", "fallback": True},
    "unlucky": {"model": "unlucky/model.tar.gz", "fallback": True},
    "sampled": {"model": "sampled-serving/model.tar.gz", "shadow": {"model": "sampled-shadow/model.tar.gz", "percent": 50}},
}
"""Options of programs/endpoint-stack.ts by the name of stack and endpoint."""


@pytest.fixture(scope="module")
def templates() -> dict[str, str]:
    """The templates that our construct gives."""
    program = ["node", "--import", "tsx", "test/local/account/programs/endpoint-stack.ts", json.dumps([{"name": name, **said} for name, said in STACKS.items()])]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(STACKS, map(json.dumps, json.loads(done.stdout))))


def deploy(account: Account, name: str, templates: dict[str, str]) -> str:
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=templates[name], Capabilities=["CAPABILITY_IAM"])
    status = lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]  # noqa: E731
    return until(lambda: not (now := status()).endswith("IN_PROGRESS") and now, 60)


def total(account: Account, metric: str, endpoint: str, variant: str, statistic: str = "Sum") -> float:
    """Of the whole last hour."""
    now = datetime.datetime.now(datetime.timezone.utc)
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
    hour = {"StartTime": now - datetime.timedelta(hours=1), "EndTime": now + datetime.timedelta(hours=1), "Period": 7200}
    points = account.cloudwatch.get_metric_statistics(Namespace="AWS/SageMaker", MetricName=metric, Dimensions=dimensions, Statistics=[statistic], **hour)["Datapoints"]
    return sum(point[statistic] for point in points)


def put(account: Account, prefix: str, weight: str) -> None:
    for name, body in (("weight.txt", weight), ("code/inference.py", PROGRAM)):
        account.s3.put_object(Bucket="artifacts", Key=f"{prefix}{name}", Body=body.encode())


def test_a_model_whose_files_lie_below_a_prefix_is_served_with_what_is_below_it_alone(account: Account, templates: dict[str, str]) -> None:
    put(account, "prefixed/", "7")
    put(account, "prefixed-other/", "8")
    assert deploy(account, "prefixed", templates) == "CREATE_COMPLETE"
    assert account.invoke("prefixed") == {"answer": 1, "weight": "7"}
    fault = {"models": [{"artifact": "s3://artifacts/prefixed/", "failPing": True}]}
    assert account.faults("PUT", fault)[0] == 200
    with pytest.raises(ClientError, match="no container of the variant is healthy"):
        until(lambda: account.invoke("prefixed") is None)
    account.faults("DELETE")


def test_fails_an_endpoint_whose_prefix_has_a_folder_made_by_the_console(account: Account, templates: dict[str, str]) -> None:
    """[row 26]"""
    put(account, "foldered/", "7")
    account.s3.put_object(Bucket="artifacts", Key="foldered/code/", Body=b"")
    assert deploy(account, "foldered", templates) in ("CREATE_FAILED", "ROLLBACK_COMPLETE")
    events = account.client("cloudformation").describe_stack_events(StackName="foldered")["StackEvents"]
    assert any("s3://artifacts/foldered/code/" in event.get("ResourceStatusReason", "") for event in events)


def prefix_of(uri: str, **more: str) -> dict[str, Any]:
    source = {"S3Uri": uri, "S3DataType": "S3Prefix", "CompressionType": "None", **more}
    return {"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}}


@pytest.mark.parametrize(
    ("container", "message"),
    [
        (prefix_of("s3://artifacts/prefixed"), "must end with a forward slash"),
        (prefix_of("s3://artifacts/prefixed/", CompressionType="Gzip"), "CompressionType must be None"),
        ({**prefix_of("s3://artifacts/prefixed/"), "ModelDataUrl": "s3://artifacts/x.tar.gz"}, "exclude each other"),
    ],
)
def test_fails_a_model_data_source_that_aws_refuses(account: Account, container: dict[str, Any], message: str) -> None:
    """[row 25, row 26]"""
    with pytest.raises(ClientError, match=message):
        account.sagemaker.create_model(ModelName="odd-source", ExecutionRoleArn=ROLE, PrimaryContainer=container)


def test_fails_a_serverless_variant_and_a_transform_job_with_uncompressed_files(account: Account) -> None:
    """[row 27]"""
    account.sagemaker.create_model(ModelName="uncompressed", ExecutionRoleArn=ROLE, PrimaryContainer=prefix_of("s3://artifacts/prefixed/"))
    variant = {"VariantName": "AllTraffic", "ModelName": "uncompressed", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
    with pytest.raises(ClientError, match="cannot have a model with a ModelDataSource"):
        account.sagemaker.create_endpoint_config(EndpointConfigName="uncompressed", ProductionVariants=[variant])
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://artifacts/in/"}}
    with pytest.raises(ClientError, match="cannot be used by batch transform"):
        account.sagemaker.create_transform_job(
            TransformJobName="uncompressed", ModelName="uncompressed", TransformInput={"DataSource": source},
            TransformOutput={"S3OutputPath": "s3://artifacts/out/"}, TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )  # fmt: skip


def captured(account: Account, endpoint: str, variant: str) -> list[dict[str, Any]]:
    found = account.s3.list_objects_v2(Bucket="artifacts", Prefix=f"captured/{endpoint}/{variant}/").get("Contents", [])
    bodies = [account.s3.get_object(Bucket="artifacts", Key=item["Key"])["Body"].read().decode() for item in found]
    return [json.loads(line) for body in bodies for line in body.splitlines()]


def test_a_shadow_is_sent_copies_its_answers_are_captured_and_no_caller_waits_for_it_or_sees_it_fail(account: Account, templates: dict[str, str]) -> None:
    account.artifact("shadowed-serving", "1")
    shadow = account.artifact("shadowed-shadow", "2")
    assert deploy(account, "shadowed", templates) == "CREATE_COMPLETE"
    found = account.describe("shadowed")
    assert [variant["VariantName"] for key in ("ProductionVariants", "ShadowProductionVariants") for variant in found[key]] == ["AllTraffic", "Shadow"]
    account.faults("PUT", {"models": [{"artifact": shadow, "latencyMs": 3000}]})
    started = time.monotonic()
    answer = account.client("sagemaker-runtime").invoke_endpoint(EndpointName="shadowed", ContentType="application/json", Body=b"5", InferenceId="mine")
    assert time.monotonic() - started < 2.5
    assert (json.loads(answer["Body"].read()), answer["InvokedProductionVariant"]) == ({"answer": 5, "weight": "1"}, "AllTraffic")
    (copy,) = until(lambda: captured(account, "shadowed", "Shadow"))
    account.faults("DELETE")
    assert copy["eventMetadata"]["inferenceId"] == "mine"
    assert json.loads(copy["captureData"]["endpointInput"]["data"]) == 5
    assert json.loads(copy["captureData"]["endpointOutput"]["data"]) == {"answer": 5, "weight": "2"}
    assert total(account, "ModelLatency", "shadowed", "Shadow", "Maximum") >= 3e6 > total(account, "ModelLatency", "shadowed", "AllTraffic", "Maximum")
    account.faults("PUT", {"models": [{"artifact": shadow, "failPing": True}]})
    until(lambda: account.invoke("shadowed")["weight"] == "1" and total(account, "Invocation5XXErrors", "shadowed", "Shadow"))
    account.faults("DELETE")
    assert total(account, "Invocation5XXErrors", "shadowed", "AllTraffic") == 0
    with pytest.raises(ClientError, match="Variant Shadow of endpoint shadowed not found"):
        account.client("sagemaker-runtime").invoke_endpoint(EndpointName="shadowed", ContentType="application/json", Body=b"5", TargetVariant="Shadow")


def test_a_shadow_gets_the_share_that_is_asked_for(account: Account, templates: dict[str, str]) -> None:
    account.artifact("sampled-serving")
    account.artifact("sampled-shadow")
    assert deploy(account, "sampled", templates) == "CREATE_COMPLETE"
    for _ in range(100):
        account.invoke("sampled")
    assert total(account, "Invocations", "sampled", "AllTraffic") == 100
    until(lambda: total(account, "Invocations", "sampled", "Shadow") > 25)
    time.sleep(1)
    assert 25 < total(account, "Invocations", "sampled", "Shadow") < 75


def test_a_shadow_goes_with_an_update_and_one_beside_which_nothing_rolls_is_refused(account: Account) -> None:
    account.config("promoted", "2")
    rolling = {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 0}}
    account.sagemaker.create_endpoint_config(
        EndpointConfigName="shadowed-again", ProductionVariants=[on_instances("AllTraffic", ModelName="promoted")], ShadowProductionVariants=[on_instances("Shadow", ModelName="promoted")]
    )
    assert len(account.endpoint("shadowed-again", "shadowed-again")["ShadowProductionVariants"]) == 1
    with pytest.raises(ClientError, match="RollingUpdatePolicy is for endpoints with one production variant"):
        account.sagemaker.update_endpoint(EndpointName="shadowed-again", EndpointConfigName="shadowed-again", DeploymentConfig=rolling)
    account.sagemaker.update_endpoint(EndpointName="shadowed-again", EndpointConfigName="promoted")
    assert "ShadowProductionVariants" not in account.settled("shadowed-again")
    assert account.invoke("shadowed-again")["weight"] == "2"


def on_instances(name: str, **more: Any) -> dict[str, Any]:
    return {"VariantName": name, "ModelName": "plain", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1, **more}


@pytest.mark.parametrize(
    ("variants", "more", "message"),
    [
        ([on_instances("A"), on_instances("B")], {}, "more than one ProductionVariant and one shadow"),
        ([on_instances("A")], {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://artifacts/out/"}}}, "cannot have an AsyncInferenceConfig"),
        ([on_instances("A", InstanceType="ml.inf1.xlarge")], {}, "cannot have Inf1 instances"),
        ([{"VariantName": "A", "ModelName": "plain", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}], {}, "cannot have a ServerlessConfig"),
        ([on_instances("Shadow")], {}, "names must be unique"),
    ],
)
def test_fails_a_shadow_beside_what_has_none(account: Account, variants: list[dict[str, Any]], more: dict[str, Any], message: str) -> None:
    """[row 58]"""
    if not account.has_model("plain"):
        account.config("plain")
    with pytest.raises(ClientError, match=message):
        account.sagemaker.create_endpoint_config(EndpointConfigName="odd-shadow", ProductionVariants=variants, ShadowProductionVariants=[on_instances("Shadow")], **more)


def unavailable(account: Account, *types: str) -> None:
    assert account.faults("PUT", {"unavailableTypes": types})[0] == 200


def scaled(account: Account, name: str, count: int) -> dict[str, int]:
    """The instances by their type once a change of their number is over."""
    account.sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": count}])
    return pools(account.settled(name))


def pools(found: dict[str, Any]) -> dict[str, int]:
    return {pool["InstanceType"]: pool["CurrentInstanceCount"] for pool in found["ProductionVariants"][0]["InstancePools"]}


def test_the_next_type_is_taken_while_the_first_cannot_be_had_and_goes_first(account: Account, templates: dict[str, str]) -> None:
    account.artifact("pooled")
    unavailable(account, "ml.m5.large")
    assert deploy(account, "pooled", templates) == "CREATE_COMPLETE"
    assert pools(account.describe("pooled")) == {"ml.m5.large": 0, "ml.m5.xlarge": 1}
    account.faults("DELETE")
    assert scaled(account, "pooled", 2) == {"ml.m5.large": 1, "ml.m5.xlarge": 1}
    assert scaled(account, "pooled", 1) == {"ml.m5.large": 1, "ml.m5.xlarge": 0}
    unavailable(account, "ml.m5.large", "ml.m5.xlarge")
    assert scaled(account, "pooled", 2) == {"ml.m5.large": 1, "ml.m5.xlarge": 0}
    found = account.describe("pooled")
    assert found["EndpointStatus"] == "InService" and "InsufficientInstanceCapacity error (ml.m5.large, ml.m5.xlarge)" in found["FailureReason"]
    assert account.invoke("pooled")["answer"] == 1
    account.faults("DELETE")


def test_fails_an_endpoint_of_which_no_type_can_be_had(account: Account, templates: dict[str, str]) -> None:
    account.artifact("unlucky")
    unavailable(account, "ml.m5.large", "ml.m5.xlarge")
    assert deploy(account, "unlucky", templates) in ("CREATE_FAILED", "ROLLBACK_COMPLETE")
    account.faults("DELETE")
    events = account.client("cloudformation").describe_stack_events(StackName="unlucky")["StackEvents"]
    assert any("InsufficientInstanceCapacity" in event.get("ResourceStatusReason", "") for event in events)


@pytest.mark.parametrize(
    ("pools", "message"),
    [
        ([("ml.m5.large", 1, {}), ("ml.m5.large", 2, {})], "must differ in InstanceType"),
        ([("ml.m5.large", 1, {}), ("ml.m5.xlarge", 1, {})], "must differ in Priority"),
        ([("ml.m5.large", 1, {"ModelNameOverride": "other"})], "ModelNameOverride of an instance pool is not in the local account"),
    ],
)
def test_fails_pools_of_which_none_is_preferred_or_that_are_not_here(account: Account, pools: list[tuple[str, int, dict[str, str]]], message: str) -> None:
    variant = {"VariantName": "A", "InstancePools": [{"InstanceType": kind, "Priority": priority, **more} for kind, priority, more in pools]}
    with pytest.raises(ClientError, match=message):
        account.sagemaker.create_endpoint_config(EndpointConfigName="odd-pools", ExecutionRoleArn=ROLE, ProductionVariants=[variant])
