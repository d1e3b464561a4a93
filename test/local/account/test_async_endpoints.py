"""Asynchronous endpoints in the local account, through boto3: queue, answers, failures, notices, metrics, and rest at zero. [L3]"""
from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from typing import Any, Iterator

import pytest
from botocore.exceptions import ClientError
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
VARIANT = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


@pytest.fixture(scope="module")
def account(account_url: str) -> Account:
    made = Account(account_url)
    made.s3.create_bucket(Bucket="exchange")
    return made


@pytest.fixture()
def notices(account: Account, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Two topics whose notices land in one queue; call it with how many to wait for."""
    sns, sqs = account.client("sns"), account.client("sqs")
    name = request.node.name.replace("_", "-")[:50]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [statement]})})
    topics = {kind: sns.create_topic(Name=f"{name}-{kind}")["TopicArn"] for kind in ("success", "error")}
    for topic in topics.values():
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    found: list[dict] = []

    def receive(count: int) -> list[dict]:
        def enough() -> bool:
            for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
                found.append(json.loads(json.loads(message["Body"])["Message"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return len(found) >= count

        until(enough)
        return found

    receive.topics = topics  # type: ignore[attr-defined]
    yield receive


def endpoint(account: Account, name: str, most: int = 1, count: int = 1, bucket: str = "exchange", topics: dict | None = None) -> None:
    url = account.artifact(name, program=PROGRAM)
    account.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url})
    output: dict[str, Any] = {"S3OutputPath": f"s3://{bucket}/{name}/answers", "S3FailurePath": f"s3://exchange/{name}/failures"}
    if topics is not None:
        output["NotificationConfig"] = {"SuccessTopic": topics["success"], "ErrorTopic": topics["error"]}
    account.sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": count}],
        AsyncInferenceConfig={"OutputConfig": output, "ClientConfig": {"MaxConcurrentInvocationsPerInstance": most}},
    )
    assert account.endpoint(name, name)["EndpointStatus"] == "InService"


def ask(account: Account, name: str, data: Any, key: str | None = None, **more: Any) -> dict:
    key = key or f"{name}/requests/{time.monotonic_ns()}.json"
    account.s3.put_object(Bucket="exchange", Key=key, Body=json.dumps(data))
    return account.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=name, InputLocation=f"s3://exchange/{key}", ContentType="application/json", **more
    )


def stored(account: Account, location: str) -> bytes | None:
    bucket, key = location.removeprefix("s3://").split("/", 1)
    try:
        return account.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError:
        return None


def metric(account: Account, name: str, of: str, statistic: str = "Sum", variant: bool = True, config: str | None = None) -> list[float]:
    """The data points of the last platform minutes, oldest first; with the clock of these tests a minute is a second."""
    dimensions = {"EndpointName": of, **({"VariantName": "AllTraffic"} if variant else {}), **({"EndpointConfigName": config} if config else {})}
    now = datetime.now(timezone.utc)
    points = account.cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker", MetricName=name, Period=60, Statistics=[statistic], StartTime=now - timedelta(minutes=10), EndTime=now + timedelta(minutes=1),
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
    )["Datapoints"]  # fmt: skip
    return [point[statistic] for point in sorted(points, key=lambda point: point["Timestamp"])]


def test_a_request_of_a_bucket_is_answered_in_a_bucket_and_told(account: Account, notices: Any) -> None:
    endpoint(account, "asy-answer", topics=notices.topics)
    answer = ask(account, "asy-answer", 7, InferenceId="mine")
    assert answer["InferenceId"] == "mine"
    assert answer["OutputLocation"].startswith("s3://exchange/asy-answer/answers/") and answer["OutputLocation"].endswith(".out")
    assert answer["FailureLocation"].startswith("s3://exchange/asy-answer/failures/")
    assert json.loads(until(lambda: stored(account, answer["OutputLocation"]))) == {"answer": 7}
    [notice] = notices(1)
    assert (notice["invocationStatus"], notice["inferenceId"], notice["responseParameters"]["outputLocation"]) == ("Completed", "mine", answer["OutputLocation"])
    assert stored(account, answer["FailureLocation"]) is None
    until(lambda: metric(account, "InvocationsProcessed", "asy-answer") == [1])
    assert metric(account, "InvocationFailures", "asy-answer") == []
    assert sum(metric(account, "Invocation5XXErrors", "asy-answer", "SampleCount", config="asy-answer")) == 1
    assert metric(account, "TotalProcessingTime", "asy-answer", "Average")[0] > 0
    assert metric(account, "Invocations", "asy-answer") == []


@pytest.mark.parametrize("data, status, missing", [("fail", 500, False), (1, 0, True)])
def test_what_fails_leaves_its_reason_and_is_told_to_the_other_topic(account: Account, notices: Any, data: Any, status: int, missing: bool) -> None:
    name = f"asy-fail-{status}"
    endpoint(account, name, topics=notices.topics)
    runtime = account.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint_async(EndpointName=name, InputLocation="s3://exchange/nothing/here") if missing else ask(account, name, data)
    reason = until(lambda: stored(account, answer["FailureLocation"])).decode()
    [notice] = notices(1)
    assert (notice["invocationStatus"], notice["failureReason"]) == ("Failed", reason)
    assert ("NoSuchKey" if missing else "Received server error (500)") in reason
    until(lambda: metric(account, "InvocationFailures", name) == [1])
    assert sum(metric(account, "RequestDownloadFailures", name)) == int(missing)
    assert sum(metric(account, "Invocation5XXErrors", name)) == int(not missing)


def test_an_answer_that_cannot_be_written_is_counted_as_lost(account: Account) -> None:
    endpoint(account, "asy-lost", bucket="not-there")
    answer = ask(account, "asy-lost", 1)
    assert "NoSuchBucket" in until(lambda: stored(account, answer["FailureLocation"])).decode()
    until(lambda: metric(account, "ResponseUploadFailures", "asy-lost") == [1])


def test_a_topic_that_is_gone_is_counted_and_the_answer_is_there(account: Account, notices: Any) -> None:
    endpoint(account, "asy-untold", topics=notices.topics)
    account.client("sns").delete_topic(TopicArn=notices.topics["success"])
    answer = ask(account, "asy-untold", 1)
    assert until(lambda: stored(account, answer["OutputLocation"]))
    until(lambda: metric(account, "NotificationFailures", "asy-untold") == [1])


def test_an_instance_is_sent_no_more_at_a_time_than_the_configuration_says(account: Account) -> None:
    endpoint(account, "asy-serial", most=1)
    started = time.monotonic()
    answers = [ask(account, "asy-serial", {"sleep": 0.7}) for _ in range(3)]
    until(lambda: all(stored(account, answer["OutputLocation"]) for answer in answers))
    assert time.monotonic() - started > 2.0


def test_requests_wait_at_zero_instances_and_are_answered_when_one_comes(account: Account) -> None:
    endpoint(account, "asy-zero")
    resize = lambda count: account.sagemaker.update_endpoint_weights_and_capacities(  # noqa: E731
        EndpointName="asy-zero", DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
    )
    resize(0)
    assert account.settled("asy-zero")["ProductionVariants"][0]["CurrentInstanceCount"] == 0
    latest = lambda name, variant=False: (metric(account, name, "asy-zero", "Maximum", variant) or [None])[-1]  # noqa: E731
    until(lambda: latest("HasBacklogWithoutCapacity") == 0)
    answer = ask(account, "asy-zero", 3)
    until(lambda: latest("HasBacklogWithoutCapacity") == 1)
    assert latest("ApproximateBacklogSize") == 1
    until(lambda: latest("ApproximateAgeOfOldestRequest") > 60)
    assert stored(account, answer["OutputLocation"]) is None
    resize(1)
    assert json.loads(until(lambda: stored(account, answer["OutputLocation"]))) == {"answer": 3}
    assert metric(account, "ApproximateBacklogSize", "asy-zero", "Maximum", variant=True) == []


def test_a_request_whose_time_to_live_is_over_expires(account: Account, notices: Any) -> None:
    endpoint(account, "asy-expire", topics=notices.topics)
    ask(account, "asy-expire", {"sleep": 2})
    late = ask(account, "asy-expire", 1, RequestTTLSeconds=60)
    assert b"expired" in until(lambda: stored(account, late["FailureLocation"]))
    until(lambda: metric(account, "ExpiredRequests", "asy-expire") == [1])


def test_only_asynchronous_endpoints_are_called_asynchronously_and_only_so(account: Account) -> None:
    endpoint(account, "asy-only")
    account.config("asy-not")
    account.endpoint("asy-not", "asy-not")
    with pytest.raises(ClientError, match="only supports asynchronous invocations"):
        account.invoke("asy-only")
    with pytest.raises(ClientError, match="does not support asynchronous invocations"):
        ask(account, "asy-not", 1)
    runtime = account.client("sagemaker-runtime")
    with pytest.raises(ClientError, match="exactly one of InputLocation and Body"):
        runtime.invoke_endpoint_async(EndpointName="asy-only", InputLocation="s3://exchange/x", Body=b"1")
    inline = runtime.invoke_endpoint_async(EndpointName="asy-only", Body=b"5", ContentType="application/json")
    assert json.loads(until(lambda: stored(account, inline["OutputLocation"]))) == {"answer": 5}


def test_only_an_asynchronous_variant_may_scale_to_zero(account: Account) -> None:
    endpoint(account, "asy-scaled")
    account.config("asy-real")
    account.endpoint("asy-real", "asy-real")
    scaling = account.client("application-autoscaling")
    register = lambda name: scaling.register_scalable_target(**VARIANT, ResourceId=f"endpoint/{name}/variant/AllTraffic", MinCapacity=0, MaxCapacity=2)  # noqa: E731
    register("asy-scaled")
    with pytest.raises(ClientError, match="Minimum capacity must be at least 1"):
        register("asy-real")


def test_a_fleet_at_zero_is_replaced_by_one_at_zero_when_its_count_is_kept(account: Account) -> None:
    endpoint(account, "asy-empty")
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="asy-empty", DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}]
    )
    account.settled("asy-empty")
    old = account.sagemaker.describe_endpoint_config(EndpointConfigName="asy-empty")
    account.sagemaker.create_endpoint_config(
        EndpointConfigName="asy-empty-2", ProductionVariants=old["ProductionVariants"], AsyncInferenceConfig=old["AsyncInferenceConfig"]
    )
    account.sagemaker.update_endpoint(EndpointName="asy-empty", EndpointConfigName="asy-empty-2", RetainAllVariantProperties=True)
    found = account.settled("asy-empty")
    assert (found["EndpointConfigName"], found["ProductionVariants"][0]["CurrentInstanceCount"]) == ("asy-empty-2", 0)
    assert found["AsyncInferenceConfig"]["OutputConfig"] == old["AsyncInferenceConfig"]["OutputConfig"]
