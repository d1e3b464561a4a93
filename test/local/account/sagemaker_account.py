"""A running account with what its SageMaker tests share: models, endpoints, alarms, faults and a queue of events."""
from __future__ import annotations

import contextlib
import io
import json
import tarfile
import threading
import time
import urllib.error
import urllib.request
from typing import Any, Callable, Iterator

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
ROLE = "arn:aws:iam::000000000000:role/model-role"
PROGRAM = """
import json
def model_fn(model_dir): return open(model_dir + '/weight.txt').read()
def input_fn(body, content_type): return json.loads(body)
def predict_fn(data, model):
    if data == 'fail': raise ValueError('boom')
    return {'answer': data, 'weight': model}
"""


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    limit = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < limit, "it did not come true in time"
        time.sleep(0.05)
    return value


def resource(type: str, **properties: Any) -> dict:
    """One resource of a template."""
    return {"Type": type, "Properties": properties}


def archive(weight: str, program: str = PROGRAM) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in [("weight.txt", weight.encode()), ("code/inference.py", program.encode())]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


class Account:
    def __init__(self, url: str) -> None:
        self.url = url
        self.sagemaker, self.s3, self.cloudwatch = self.client("sagemaker"), self.client("s3"), self.client("cloudwatch")
        self.s3.create_bucket(Bucket="artifacts")

    def client(self, service: str) -> Any:
        config = Config(retries={"max_attempts": 0}, read_timeout=30)
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="000000000000", aws_secret_access_key="local", config=config)

    def artifact(self, name: str, weight: str = "1", program: str = PROGRAM) -> str:
        self.s3.put_object(Bucket="artifacts", Key=f"{name}/model.tar.gz", Body=archive(weight, program))
        return f"s3://artifacts/{name}/model.tar.gz"

    def config(self, name: str, weight: str = "1", count: int = 1, program: str = PROGRAM) -> str:
        """A model of this name, and an endpoint configuration of this name for it. Returns the address of the artefact."""
        url = self.artifact(name, weight, program)
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url})
        self.config_of(name, name, count)
        return url

    def has_model(self, name: str) -> bool:
        try:
            return bool(self.sagemaker.describe_model(ModelName=name))
        except ClientError:
            return False

    def config_of(self, name: str, model: str, count: int = 1) -> None:
        variant = {"VariantName": "AllTraffic", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": count}
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])

    def endpoint(self, name: str, config: str) -> dict:
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        return self.settled(name)

    def describe(self, name: str) -> dict:
        return self.sagemaker.describe_endpoint(EndpointName=name)

    def settled(self, name: str, seconds: float = 30) -> dict:
        return until(lambda: (found := self.describe(name))["EndpointStatus"] not in ("Creating", "Updating", "RollingBack") and found, seconds)

    def invoke(self, name: str, data: Any = 1) -> dict:
        runtime = self.client("sagemaker-runtime")
        return json.loads(runtime.invoke_endpoint(EndpointName=name, ContentType="application/json", Body=json.dumps(data))["Body"].read())

    def alarm(self, name: str, endpoint: str, config: str | None, metric: str = "ModelLatency", threshold: float = 300_000) -> None:
        """Goes off when one platform minute's maximum is above the threshold."""
        dimensions = {"EndpointName": endpoint, "VariantName": "AllTraffic", **({"EndpointConfigName": config} if config else {})}
        self.cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="AWS/SageMaker", MetricName=metric, Statistic="Maximum", Period=60, EvaluationPeriods=1, Threshold=threshold,
            ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching", Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        )  # fmt: skip

    def state(self, alarm: str) -> str:
        return self.cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"]

    @contextlib.contextmanager
    def alarmed(self, alarm: str) -> Iterator[None]:
        """Keeps an alarm on: one that is set by hand stays so only until its next evaluation."""
        over = threading.Event()

        def keep() -> None:
            cloudwatch = self.client("cloudwatch")
            while not over.wait(0.02):
                cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")

        thread = threading.Thread(target=keep)
        self.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def faults(self, method: str = "GET", body: Any = None) -> tuple[int, dict]:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_account/faults", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def events(self, name: str, pattern: dict) -> Callable[[int], list[dict]]:
        """Events that match the pattern from now on, through a rule of the default bus into a queue: call it with how many to wait for."""
        sqs, events = self.client("sqs"), self.client("events")
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]}
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        found: list[dict] = []

        def receive(count: int) -> list[dict]:
            def enough() -> bool:
                for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
                    found.append(json.loads(message["Body"]))
                    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                return len(found) >= count

            until(enough)
            time.sleep(0.3)
            enough()
            return found

        return receive


class Traffic:
    """Requests without pause while the block runs: `ask` sends one and returns its answer."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self.answers: list[Any] = []
        self.errors: list[ClientError] = []
        self._ask, self._stop, self._thread = ask, threading.Event(), threading.Thread(target=self._run)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            try:
                self.answers.append(self._ask())
            except ClientError as error:
                self.errors.append(error)
