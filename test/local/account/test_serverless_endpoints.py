"""Serverless endpoints in the local account: cold starts, idling out, throttling, metrics, and the stack of our construct. [S1, L3]"""
from __future__ import annotations

import json
import os
import subprocess
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import ROOT
from sagemaker_account import IMAGE, ROLE, Account, until

PROGRAM = """
import json, time
def model_fn(model_dir): return 'm'
def input_fn(body, content_type): return json.loads(body)
def predict_fn(data, model):
    if data == 'fail': raise ValueError('boom')
    if isinstance(data, dict): time.sleep(data['sleep'])
    return {'answer': data}
"""


@pytest.fixture(scope="module")
def account(account_url: str) -> Account:
    return Account(account_url)


def config(account: Account, name: str, **serverless: int) -> None:
    url = account.artifact(name, program=PROGRAM)
    account.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url})
    variant = {"VariantName": "AllTraffic", "ModelName": name, "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2, **serverless}}
    account.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def processes(name: str) -> int:
    """Containers of an endpoint that run, as the account tells its operator."""
    state = json.loads((Path(os.environ["ACCOUNT_STATE_DIR"]) / "endpoints.json").read_text(encoding="utf-8"))
    return len(state[name]["variants"]["AllTraffic"])


def metric(account: Account, name: str, of: str, statistic: str) -> list[float]:
    now = datetime.now(timezone.utc)
    points = account.cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker", MetricName=name, Period=60, Statistics=[statistic], StartTime=now - timedelta(minutes=10), EndTime=now + timedelta(minutes=1),
        Dimensions=[{"Name": "EndpointName", "Value": of}, {"Name": "VariantName", "Value": "AllTraffic"}],
    )["Datapoints"]  # fmt: skip
    return [point[statistic] for point in points]


def test_a_container_starts_with_the_first_request_and_goes_when_nobody_calls(account: Account) -> None:
    config(account, "sls-cold")
    assert account.endpoint("sls-cold", "sls-cold")["EndpointStatus"] == "InService"
    [variant] = account.describe("sls-cold")["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == {"MemorySizeInMB": 1024, "MaxConcurrency": 2} and "CurrentInstanceCount" not in variant
    assert processes("sls-cold") == 0
    assert account.invoke("sls-cold", 7) == {"answer": 7}
    until(lambda: processes("sls-cold") == 1)
    assert sum(metric(account, "ModelSetupTime", "sls-cold", "SampleCount")) == 1
    assert max(metric(account, "OverheadLatency", "sls-cold", "Maximum")) > max(metric(account, "ModelLatency", "sls-cold", "Maximum"))
    assert max(metric(account, "ServerlessConcurrentExecutionsUtilization", "sls-cold", "Maximum")) == 0.5
    assert metric(account, "InvocationModelErrors", "sls-cold", "Sum") == metric(account, "InvocationsPerInstance", "sls-cold", "Sum") == []
    until(lambda: processes("sls-cold") == 0, 60)
    assert account.invoke("sls-cold", 8) == {"answer": 8}


def test_one_request_more_than_may_run_at_once_is_throttled(account: Account) -> None:
    config(account, "sls-full", MaxConcurrency=1)
    account.endpoint("sls-full", "sls-full")
    account.invoke("sls-full", 1)
    answers: list[Any] = []
    seen = threading.Event()

    def asked(data: Any) -> Any:
        try:
            return account.invoke("sls-full", data)
        except ClientError as error:
            return error.response["Error"]["Code"]

    def busy() -> None:
        while not seen.is_set():
            answers.append(asked({"sleep": 1}))

    slow = threading.Thread(target=busy)
    slow.start()
    try:
        until(lambda: asked(2) == "ThrottlingException", 60)
    finally:
        seen.set()
        slow.join()
    # A slow one that comes while a quick one runs is the one more itself.
    assert {"answer": {"sleep": 1}} in answers
    assert all(answer in ({"answer": {"sleep": 1}}, "ThrottlingException") for answer in answers)
    assert account.invoke("sls-full", 3) == {"answer": 3}
    assert max(metric(account, "ServerlessConcurrentExecutionsUtilization", "sls-full", "Maximum")) == 1


def test_provisioned_concurrency_is_there_before_the_first_request(account: Account) -> None:
    config(account, "sls-warm", ProvisionedConcurrency=1)
    account.endpoint("sls-warm", "sls-warm")
    assert account.invoke("sls-warm", 1) == {"answer": 1}
    assert metric(account, "ModelSetupTime", "sls-warm", "SampleCount") == []


def test_a_failure_of_the_model_is_counted_and_the_container_serves_on(account: Account) -> None:
    config(account, "sls-fail")
    account.endpoint("sls-fail", "sls-fail")
    with pytest.raises(ClientError, match="boom"):
        account.invoke("sls-fail", "fail")
    assert account.invoke("sls-fail", 1) == {"answer": 1}
    assert sum(metric(account, "Invocation5XXErrors", "sls-fail", "Sum")) == 1
    assert sum(metric(account, "ModelSetupTime", "sls-fail", "SampleCount")) == 1


@pytest.mark.parametrize(
    ("variant", "config_more", "message"),
    [
        ({"InstanceType": "ml.m5.large"}, {}, "cannot have an InstanceType"),
        ({}, {"KmsKeyId": "alias/mine"}, "cannot have KmsKeyId"),
        ({"ServerlessConfig": {"MemorySizeInMB": 1500, "MaxConcurrency": 1}}, {}, "must be a multiple of 1024, got 1500"),
        ({"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1, "ProvisionedConcurrency": 2}}, {}, "not be greater than MaxConcurrency"),
    ],
)
def test_fails_a_configuration_that_serverless_variants_cannot_have(account: Account, variant: dict, config_more: dict, message: str) -> None:
    if not account.has_model("sls-odd"):
        account.sagemaker.create_model(ModelName="sls-odd", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": "s3://artifacts/x.tar.gz"})
    whole = {"VariantName": "AllTraffic", "ModelName": "sls-odd", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}, **variant}
    with pytest.raises(ClientError, match=message):
        account.sagemaker.create_endpoint_config(EndpointConfigName="sls-odd", ProductionVariants=[whole], **config_more)


def test_fails_an_update_from_instances_to_serverless(account: Account) -> None:
    """The other way is one that AWS does not take back [row 57]"""
    account.config("sls-instances")
    account.endpoint("sls-instances", "sls-instances")
    config(account, "sls-after")
    with pytest.raises(ClientError, match="to a serverless endpoint"):
        account.sagemaker.update_endpoint(EndpointName="sls-instances", EndpointConfigName="sls-after")


def test_what_our_construct_synthesizes_is_deployed_answers_and_is_deleted(account: Account) -> None:
    account.artifact("sls-stack", program=PROGRAM)
    done = subprocess.run(["node", "--import", "tsx", "test/local/account/programs/serverless-stack.ts", "sls-stack"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName="sls-stack", TemplateBody=done.stdout, Capabilities=["CAPABILITY_IAM"])
    status = lambda: cloudformation.describe_stacks(StackName="sls-stack")["Stacks"][0]["StackStatus"]  # noqa: E731
    assert until(lambda: not (now := status()).endswith("IN_PROGRESS") and now, 60) == "CREATE_COMPLETE"
    assert account.invoke("sls-stack", 5) == {"answer": 5}
    cloudformation.delete_stack(StackName="sls-stack")

    def gone() -> bool:
        try:
            account.describe("sls-stack")
        except ClientError:
            return True
        return False

    until(gone, 60)
