"""Endpoints of language models in the local account, through boto3: the stand-in keeps the pace of the GPU on the platform clock. [L3]"""
from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from conftest import FACTOR
from sagemaker_account import ROLE, Account, until

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.36.0-lmi28.0.0-cu130"
KEYS = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "local"}
TOKEN_SECONDS = 16.38e9 / 240e9


@pytest.fixture(scope="module")
def account(account_url: str) -> Account:
    made = Account(account_url)
    deploy(made, "chat", {"Environment": {"HF_MODEL_ID": "Qwen/Qwen3-8B"}})
    return made


def deploy(account: Account, name: str, container: dict[str, Any], instance: str = "ml.g6.2xlarge") -> dict:
    account.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, **container})
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": instance, "InitialInstanceCount": 1, "ContainerStartupHealthCheckTimeoutInSeconds": 1800}
    account.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    return account.endpoint(name, name)


def body(prompt: int, output: int, **more: Any) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": "word " * prompt}], "max_tokens": output, "ignore_eos": True, **more}).encode()


def test_an_answer_takes_the_time_of_the_gpu_on_the_platform_clock_and_the_metric_says_so(account: Account) -> None:
    runtime, started = account.client("sagemaker-runtime"), time.monotonic()
    answer = json.loads(runtime.invoke_endpoint(EndpointName="chat", ContentType="application/json", Body=body(100, 300))["Body"].read())
    took = (time.monotonic() - started) * FACTOR
    assert answer["usage"]["completion_tokens"] == 300 and "no model" in answer["model"]
    expected = 300 * TOKEN_SECONDS
    assert expected * 0.97 < took

    def latency() -> float | None:
        now = datetime.now(timezone.utc)
        names = [{"Name": "EndpointName", "Value": "chat"}, {"Name": "VariantName", "Value": "AllTraffic"}]
        found = account.cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker", MetricName="ModelLatency", Dimensions=names, Statistics=["Maximum"], Period=60, StartTime=now - timedelta(hours=1), EndTime=now + timedelta(hours=1)
        )
        return max((point["Maximum"] for point in found["Datapoints"]), default=None)

    assert expected * 0.97 < until(latency) / 1e6 <= took


def test_tokens_are_streamed_through_the_runtime_api(account: Account) -> None:
    runtime, started = account.client("sagemaker-runtime"), time.monotonic()
    events = runtime.invoke_endpoint_with_response_stream(EndpointName="chat", ContentType="application/json", Body=body(100, 600, stream=True))["Body"]
    times, text = [], b""
    for event in events:
        times.append((time.monotonic() - started) * FACTOR)
        text += event["PayloadPart"]["Bytes"]
    assert text.endswith(b"data: [DONE]\n\n") and len(times) > 3
    assert times[0] < 0.6 * times[-1] and times[-1] > 600 * TOKEN_SECONDS * 0.97


def test_fails_after_60_seconds_of_the_platform_clock_and_streams_do_not(account: Account) -> None:
    runtime, started = account.client("sagemaker-runtime"), time.monotonic()
    with pytest.raises(ClientError, match="did not answer in time"):
        runtime.invoke_endpoint(EndpointName="chat", ContentType="application/json", Body=body(100, 1500))
    assert 60 <= (time.monotonic() - started) * FACTOR < 200
    events = runtime.invoke_endpoint_with_response_stream(EndpointName="chat", ContentType="application/json", Body=body(100, 1500, stream=True))["Body"]
    assert b"[DONE]" in b"".join(event["PayloadPart"]["Bytes"] for event in events)


def test_fails_when_a_stream_is_not_over_after_eight_minutes_however_many_tokens_came(account: Account) -> None:
    runtime, started, text = account.client("sagemaker-runtime"), time.monotonic(), b""
    events = runtime.invoke_endpoint_with_response_stream(EndpointName="chat", ContentType="application/json", Body=body(100, 9000, stream=True))["Body"]
    with pytest.raises(EventStreamError, match="allotted time"):
        for event in events:
            text += event["PayloadPart"]["Bytes"]
    assert 480 <= (time.monotonic() - started) * FACTOR < 600
    assert text.count(b" ") > 480 / TOKEN_SECONDS / 2 and b"[DONE]" not in text


def test_requests_at_once_are_batched_also_more_than_the_emulator_has_threads(account: Account) -> None:
    config = Config(retries={"max_attempts": 0}, max_pool_connections=100)
    runtime, started = boto3.client("sagemaker-runtime", endpoint_url=account.url, region_name="us-east-1", config=config, **KEYS), time.monotonic()

    def ask(_: int) -> int:
        events = runtime.invoke_endpoint_with_response_stream(EndpointName="chat", ContentType="application/json", Body=body(30, 250, stream=True))["Body"]
        return b"".join(event["PayloadPart"]["Bytes"] for event in events).count(b"[DONE]")

    with ThreadPoolExecutor(90) as pool:
        assert list(pool.map(ask, range(90))) == [1] * 90
    # one batch of 90 takes 17 s and a little for the cache; in rounds of 64 it would be two
    assert (time.monotonic() - started) * FACTOR < 90 * 250 * TOKEN_SECONDS / 10


def test_weights_in_s3_must_be_there(account: Account) -> None:
    source = {"ModelDataSource": {"S3DataSource": {"S3Uri": "s3://artifacts/Qwen3-8B/", "S3DataType": "S3Prefix", "CompressionType": "None"}}}
    missing = deploy(account, "chat-missing", source)
    assert (missing["EndpointStatus"], missing["FailureReason"]) == ("Failed", "could not find model data at s3://artifacts/Qwen3-8B/")
    account.s3.put_object(Bucket="artifacts", Key="Qwen3-8B/config.json", Body=b"{}")
    assert deploy(account, "chat-staged", source)["EndpointStatus"] == "InService"


def test_fails_to_start_without_figures_and_says_so(account: Account) -> None:
    failed = deploy(account, "chat-unknown", {"Environment": {"HF_MODEL_ID": "Qwen/Qwen3-8B"}}, "ml.m5.large")
    assert failed["EndpointStatus"] == "Failed" and failed["FailureReason"].startswith("there is no GPU profile for 'ml.m5.large'")


def test_fails_to_start_with_an_order_of_requests_that_there_is_not(account: Account) -> None:
    failed = deploy(account, "chat-order", {"Environment": {"HF_MODEL_ID": "Qwen/Qwen3-8B", "OPTION_SCHEDULING_POLICY": "lifo"}})
    assert (failed["EndpointStatus"], failed["FailureReason"]) == ("Failed", "OPTION_SCHEDULING_POLICY must be fcfs or priority, got 'lifo'")
