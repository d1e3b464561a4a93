"""SageMaker in the local account, through boto3, as any AWS client sees it. [L3]"""
from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable, Iterator

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

ROOT = Path(__file__).resolve().parents[3]
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
ROLE = "arn:aws:iam::000000000000:role/model-role"
VARIANT = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
PROGRAM = """
import json
def model_fn(model_dir): return open(model_dir + '/weight.txt').read()
def input_fn(body, content_type): return json.loads(body)
def predict_fn(data, model):
    if data == 'fail': raise ValueError('boom')
    if data == 'stream': return (f'token{i} ' for i in range(4))
    if data == 'break': return broken()
    return {'answer': data, 'weight': model}
def broken():
    yield 'first '
    raise RuntimeError('broken')
"""


class Account:
    def __init__(self, url: str, state: Path) -> None:
        self.url, self.state = url, state

    def client(self, service: str) -> Any:
        config = Config(retries={"max_attempts": 0}, read_timeout=30)
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="000000000000", aws_secret_access_key="local", config=config)

    def instances(self, endpoint: str) -> list[dict]:
        return json.loads((self.state / "endpoints.json").read_text())[endpoint]["variants"]["AllTraffic"]


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    limit = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < limit, "it did not come true in time"
        time.sleep(0.05)
    return value


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    state = tmp_path_factory.mktemp("state")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {"PATH": os.environ["PATH"], "GATEWAY_PORT": str(port), "MINISTACK_HOST": "localhost", "SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0",
           "AWS_REGION": "us-east-1", "ACCOUNT_STATE_DIR": str(state), "PLATFORM_CLOCK_FACTOR": "60"}  # fmt: skip
    with open(state / "account.log", "wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "account.launch"], cwd=ROOT / "local", env=env, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        assert process.poll() is None, (state / "account.log").read_text()[-2000:]
        try:
            return urllib.request.urlopen(f"{url}/_ministack/ready", timeout=1).status == 200
        except OSError:
            return False

    until(ready)
    found = Account(url, state)
    found.client("s3").create_bucket(Bucket="models")
    yield found
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not (list((state / "instances").iterdir()) if (state / "instances").exists() else []), "model folders are left behind"


def archive(program: str = PROGRAM, weight: str = "1", extra: tuple[str, bytes] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in [("weight.txt", weight.encode()), ("code/inference.py", program.encode()), *([extra] if extra else [])]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def model(account: Account, name: str, body: bytes, image: str = IMAGE) -> None:
    account.client("s3").put_object(Bucket="models", Key=f"{name}/model.tar.gz", Body=body)
    account.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": image, "ModelDataUrl": f"s3://models/{name}/model.tar.gz"})


def config(account: Account, name: str, model_name: str, count: int = 1, instance: str = "ml.m5.large", **more: Any) -> None:
    variant = {"VariantName": "AllTraffic", "ModelName": model_name, "InstanceType": instance, "InitialInstanceCount": count}
    account.client("sagemaker").create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **more)


def endpoint(account: Account, name: str, body: bytes | None = None, image: str = IMAGE, **more: Any) -> dict:
    model(account, name, body or archive(), image)
    config(account, name, name, **more)
    account.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
    return settled(account, name)


def settled(account: Account, name: str) -> dict:
    describe = lambda: account.client("sagemaker").describe_endpoint(EndpointName=name)  # noqa: E731
    return until(lambda: (found := describe())["EndpointStatus"] not in ("Creating", "Updating", "RollingBack") and found)


def invoke(account: Account, name: str, data: Any = 1, **more: Any) -> Any:
    answer = account.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, ContentType="application/json", Body=json.dumps(data), **more)
    return json.loads(answer["Body"].read())


def metric(account: Account, name: str, endpoint_name: str, statistic: str) -> float | None:
    found = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker", MetricName=name, Dimensions=[{"Name": "EndpointName", "Value": endpoint_name}, {"Name": "VariantName", "Value": "AllTraffic"}],
        StartTime=time.time() - 600, EndTime=time.time() + 60, Period=3600, Statistics=[statistic],
    )["Datapoints"]  # fmt: skip
    return found[0][statistic] if found else None


def test_an_endpoint_runs_the_archives_own_code_and_publishes_what_sagemaker_would(account: Account) -> None:
    found = endpoint(account, "life")
    assert (found["EndpointStatus"], found["ProductionVariants"][0]["CurrentInstanceCount"]) == ("InService", 1)
    assert invoke(account, "life", "x") == {"answer": "x", "weight": "1"}
    with pytest.raises(ClientError) as error:
        invoke(account, "life", "fail")
    assert error.value.response["Error"]["Code"] == "ModelError"
    assert error.value.response["OriginalStatusCode"] == 500 and error.value.response["OriginalMessage"] == "boom"
    assert metric(account, "Invocations", "life", "Sum") == 2
    assert metric(account, "Invocation5XXErrors", "life", "Average") == 0.5
    assert metric(account, "InvocationModelErrors", "life", "Sum") == 1
    assert metric(account, "ModelLatency", "life", "Minimum") > 100, "microseconds, not seconds"


REFUSING = """
import json
def model_fn(model_dir): return None
def input_fn(body, content_type): return json.loads(body)
def predict_fn(data, model): return data
def output_fn(prediction, accept):
    from sagemaker_containers.beta.framework import worker
    return worker.Response(json.dumps({'error': 'no such flight'}), status=prediction, mimetype='application/json')
"""


def test_a_status_that_the_program_answers_reaches_the_caller_and_4xx_is_no_server_error(account: Account) -> None:
    endpoint(account, "refusing", archive(REFUSING))
    assert invoke(account, "refusing", 200) == {"error": "no such flight"}
    for status in (400, 499, 500):
        with pytest.raises(ClientError) as error:
            invoke(account, "refusing", status)
        assert error.value.response["OriginalStatusCode"] == status
        assert json.loads(error.value.response["OriginalMessage"]) == {"error": "no such flight"}
    counts = {name: metric(account, name, "refusing", "Sum") for name in ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")}
    assert counts == {"Invocations": 4, "Invocation4XXErrors": 2, "Invocation5XXErrors": 1, "InvocationModelErrors": 3}


PACKAGE = ROOT / "examples/flight-delays/model/package"
FLIGHT = {"minute_of_day": ("INT32", 1080), "weekday": ("INT32", 5), "distance": ("FP64", 733), "carrier": ("BYTES", "UA"), "origin": ("BYTES", "EWR"), "dest": ("BYTES", "ORD")}


def flight(**changed: Any) -> dict:
    values = {**{name: value for name, (_, value) in FLIGHT.items()}, **changed}
    return {"inputs": [{"name": name, "datatype": FLIGHT.get(name, ("FP64",))[0], "shape": [1], "data": [value]} for name, value in values.items() if value is not None]}


@pytest.fixture(scope="module")
def delay(account: Account) -> str:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(PACKAGE / "model.json", "model.json")
        tar.add(PACKAGE / "code", "code")
    endpoint(account, "delay", buffer.getvalue())
    return "delay"


@pytest.mark.parametrize("sent,reason", [
    (flight(distance=99999), "input 'distance' must be between 1 and 6000, got 99999"),
    (flight(distance=0.5), "input 'distance' must be between 1 and 6000, got 0.5"),
    (flight(weekday=9), "input 'weekday' must be between 1 and 7, got 9"),
    (flight(weekday=0, distance=6001), "input 'weekday' must be between 1 and 7, got 0; input 'distance' must be between 1 and 6000, got 6001"),
    (flight(weekday=1.5), "input 'weekday' must be whole numbers"),
    (flight(distance=None), "input 'distance' (FP64) is missing"),
    (flight(carrier=1), "input 'carrier' must be texts"),
    ({"inputs": [{"name": "distance"}]}, "the body is no inference request of the Open Inference Protocol v2"),
    ("text", "the body is no inference request of the Open Inference Protocol v2"),
])  # fmt: skip
def test_fails_with_400_on_what_the_example_s_model_cannot_know_and_says_why(account: Account, delay: str, sent: Any, reason: str) -> None:
    with pytest.raises(ClientError) as error:
        invoke(account, delay, sent)
    assert (error.value.response["OriginalStatusCode"], json.loads(error.value.response["OriginalMessage"])) == (400, {"error": reason})


@pytest.mark.parametrize("sent", [flight(), flight(distance=1), flight(distance=6000), flight(weekday=1), flight(weekday=7), flight(minute_of_day=1439)])
def test_the_example_s_model_answers_at_the_edges_of_what_it_knows(account: Account, delay: str, sent: dict) -> None:
    assert [output["name"] for output in invoke(account, delay, sent)["outputs"]] == ["late_probability", "warn"]


def test_a_killed_container_fails_requests_until_the_host_restarts_it(account: Account) -> None:
    endpoint(account, "killed")
    before = account.instances("killed")[0]
    os.kill(before["pid"], signal.SIGKILL)
    with pytest.raises(ClientError, match="ModelError"):
        invoke(account, "killed")
    after = until(lambda: (one := account.instances("killed")[0])["starts"] == 2 and one["healthy"] and one)
    assert after["pid"] != before["pid"]
    assert invoke(account, "killed", 5)["answer"] == 5
    assert metric(account, "Invocation5XXErrors", "killed", "Sum") >= 1


def test_fails_an_endpoint_whose_container_does_not_start_and_says_why(account: Account) -> None:
    found = endpoint(account, "broken", archive("raise RuntimeError('no such weights')"))
    assert found["EndpointStatus"] == "Failed" and "no such weights" in found["FailureReason"]


@pytest.mark.parametrize("name", ["../escape.txt", "/tmp/escape.txt"])
def test_fails_an_archive_that_leaves_its_folder(account: Account, name: str) -> None:
    found = endpoint(account, f"escape{len(name)}", archive(extra=(name, b"x")))
    assert found["EndpointStatus"] == "Failed" and "leaves the model folder" in found["FailureReason"]


def test_fails_an_image_that_no_process_here_can_stand_for(account: Account) -> None:
    found = endpoint(account, "gpu", image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6.0-gpu-py312")
    assert found["EndpointStatus"] == "Failed" and "cannot run in the local account" in found["FailureReason"]


def test_an_update_swaps_fleets_and_a_failed_one_stays_on_the_old_configuration(account: Account) -> None:
    endpoint(account, "update")
    model(account, "update-2", archive(weight="2"))
    config(account, "update-2", "update-2")
    sagemaker = account.client("sagemaker")
    sagemaker.update_endpoint(EndpointName="update", EndpointConfigName="update-2")
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.update_endpoint(EndpointName="update", EndpointConfigName="update")
    assert settled(account, "update")["EndpointConfigName"] == "update-2"
    assert invoke(account, "update")["weight"] == "2"
    model(account, "update-3", archive("raise RuntimeError('bad')"))
    config(account, "update-3", "update-3")
    sagemaker.update_endpoint(EndpointName="update", EndpointConfigName="update-3")
    found = settled(account, "update")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "update-2")
    assert invoke(account, "update")["weight"] == "2"


def test_a_scaled_variant_keeps_its_count_and_refuses_another_instance_type(account: Account) -> None:
    endpoint(account, "scaled")
    scaling, sagemaker = account.client("application-autoscaling"), account.client("sagemaker")
    target = {**VARIANT, "ResourceId": "endpoint/scaled/variant/AllTraffic"}
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="scaled", DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}])
    settled(account, "scaled")
    config(account, "scaled-2", "scaled")
    sagemaker.update_endpoint(EndpointName="scaled", EndpointConfigName="scaled-2", RetainAllVariantProperties=True)
    assert settled(account, "scaled")["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    config(account, "scaled-3", "scaled", instance="ml.m5.xlarge")
    with pytest.raises(ClientError, match="automatic scaling"):
        sagemaker.update_endpoint(EndpointName="scaled", EndpointConfigName="scaled-3")
    scaling.deregister_scalable_target(**target)
    sagemaker.update_endpoint(EndpointName="scaled", EndpointConfigName="scaled-3")
    assert settled(account, "scaled")["ProductionVariants"][0]["CurrentInstanceCount"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [({"MinCapacity": 0, "MaxCapacity": 2}, "at least 1"), ({"MinCapacity": 3, "MaxCapacity": 2}, "not above maximum"), ({"MinCapacity": 1, "MaxCapacity": 2, "ResourceId": "endpoint/nope/variant/AllTraffic"}, "Could not find endpoint")],
)
def test_fails_a_scalable_target_that_makes_no_sense(account: Account, change: dict, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        account.client("application-autoscaling").register_scalable_target(**{**VARIANT, "ResourceId": "endpoint/life/variant/AllTraffic", **change})


def test_a_stream_arrives_in_parts_and_a_broken_one_ends_in_an_error(account: Account) -> None:
    endpoint(account, "stream")
    call = account.client("sagemaker-runtime").invoke_endpoint_with_response_stream
    parts = [event["PayloadPart"]["Bytes"] for event in call(EndpointName="stream", Body=b'"stream"', ContentType="application/json")["Body"]]
    assert b"".join(parts) == b"token0 token1 token2 token3 "
    with pytest.raises(EventStreamError, match="broke"):
        list(call(EndpointName="stream", Body=b'"break"', ContentType="application/json")["Body"])


def test_capture_keeps_what_went_in_and_out(account: Account) -> None:
    capture = {"EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://models/capture", "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}], "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]}}
    endpoint(account, "captured", DataCaptureConfig=capture)
    invoke(account, "captured", "x", InferenceId="id-1")
    s3 = account.client("s3")
    found = until(lambda: s3.list_objects_v2(Bucket="models", Prefix="capture/captured/AllTraffic/").get("Contents"))
    line = json.loads(s3.get_object(Bucket="models", Key=found[0]["Key"])["Body"].read())
    assert line["captureData"]["endpointInput"]["data"] == '"x"' and line["eventMetadata"]["inferenceId"] == "id-1"
    assert json.loads(line["captureData"]["endpointOutput"]["data"])["answer"] == "x"
    sent = [f"many-{index}" for index in range(40)]
    workers = [threading.Thread(target=invoke, args=(account, "captured", name)) for name in sent]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    def captured() -> list[str]:
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket="models", Prefix="capture/captured/AllTraffic/")["Contents"]]
        lines = "".join(s3.get_object(Bucket="models", Key=key)["Body"].read().decode() for key in keys).splitlines()
        return sorted(json.loads(json.loads(text)["captureData"]["endpointInput"]["data"]) for text in lines)

    until(lambda: captured() == sorted([*sent, "x"]))


@pytest.mark.parametrize(
    ("action", "params", "message"),
    [
        ("create_model", {"ModelName": "under_score", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}}, "regular expression"),
        ("create_model", {"ModelName": "none", "ExecutionRoleArn": ROLE}, "PrimaryContainer"),
        ("create_model", {"ModelName": "pkg", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"ModelPackageName": "p", "Environment": {"A": "1"}}}, "belongs into the package"),
        ("create_endpoint", {"EndpointName": "e", "EndpointConfigName": "nope"}, "Could not find endpoint config"),
        ("describe_endpoint", {"EndpointName": "nope"}, "Could not find endpoint"),
        ("list_hyper_parameter_tuning_jobs", {}, "not in the local account"),
    ],
)
def test_fails_a_wrong_call_as_aws_would_and_an_absent_one_loudly(account: Account, action: str, params: dict, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        getattr(account.client("sagemaker"), action)(**params)


def test_fails_an_unknown_instance_type_and_an_unknown_endpoint(account: Account) -> None:
    with pytest.raises(ClientError, match="enum value set"):
        config(account, "odd", "life", instance="ml.nope.large")
    with pytest.raises(ClientError, match="not found"):
        invoke(account, "nope")


def test_tags_can_be_read_changed_and_removed(account: Account) -> None:
    sagemaker = account.client("sagemaker")
    arn = sagemaker.describe_endpoint(EndpointName="life")["EndpointArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "a"}, {"Key": "stage", "Value": "dev"}])
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "b"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["stage"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "owner", "Value": "b"}]


def test_deleting_an_endpoint_ends_its_processes(account: Account) -> None:
    endpoint(account, "deleted")
    pid = account.instances("deleted")[0]["pid"]
    account.client("sagemaker").delete_endpoint(EndpointName="deleted")
    until(lambda: not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z")
    with pytest.raises(ClientError, match="not found"):
        invoke(account, "deleted")
