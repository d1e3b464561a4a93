"""Transform jobs in the local account, through boto3, and the stacks of our construct that run them. [S1, L3]"""
from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import ROOT
from sagemaker_account import IMAGE, ROLE, Account, until

from account.sagemaker.jobs.transform_records import Refused, combined, payloads, select

PROGRAM = """
import time
def model_fn(model_dir): return float(open(model_dir + '/weight.txt').read())
def input_fn(body, content_type):
    text = body.decode() if isinstance(body, bytes) else body
    if 'slow' in text: time.sleep(60)
    return [[float(cell) for cell in line.split(',')] for line in text.strip().split('\\n')]
def predict_fn(rows, model): return [sum(row) * model for row in rows]
def output_fn(scores, accept): return '\\n'.join(str(score) for score in scores)
"""
CSV = {"ContentType": "text/csv", "SplitType": "Line"}


@pytest.fixture(scope="module")
def account(account_url: str) -> Account:
    made = Account(account_url)
    for bucket in ("batch-in", "batch-out"):
        made.s3.create_bucket(Bucket=bucket)
    return made


def outputs(account: Account, prefix: str) -> dict[str, str]:
    found = account.s3.list_objects_v2(Bucket="batch-out", Prefix=prefix).get("Contents", [])
    return {item["Key"][len(prefix) :]: account.s3.get_object(Bucket="batch-out", Key=item["Key"])["Body"].read().decode() for item in found}


def transform(account: Account, name: str, model: str = "", **more: Any) -> None:
    if not model:
        url = account.artifact(name, weight="2", program=PROGRAM)
        account.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url})
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://batch-in/{name}/"}}, **CSV}
    values: dict[str, Any] = {
        "TransformJobName": name,
        "ModelName": model or name,
        "TransformInput": source,
        "TransformOutput": {"S3OutputPath": f"s3://batch-out/{name}", "Accept": "text/csv", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    account.sagemaker.create_transform_job(**{**values, **more})


def ended(account: Account, name: str) -> dict[str, Any]:
    describe = lambda: account.sagemaker.describe_transform_job(TransformJobName=name)  # noqa: E731
    return until(lambda: (found := describe())["TransformJobStatus"] not in ("InProgress", "Stopping") and found, 60)


def test_each_object_below_the_prefix_is_scored_by_the_container_into_an_object_of_its_own(account: Account) -> None:
    account.s3.put_object(Bucket="batch-in", Key="tj-plain/a.csv", Body=b"1,2\n3,4\n")
    account.s3.put_object(Bucket="batch-in", Key="tj-plain/deep/b.csv", Body=b"5,6\n")
    account.s3.put_object(Bucket="batch-in", Key="tj-plain-beside.csv", Body=b"9,9\n")
    transform(account, "tj-plain", BatchStrategy="MultiRecord")
    found = ended(account, "tj-plain")
    assert found["TransformJobStatus"] == "Completed", found
    assert found["TransformEndTime"] >= found["TransformStartTime"]
    assert outputs(account, "tj-plain/") == {"a.csv.out": "6.0\n14.0\n", "deep/b.csv.out": "22.0\n"}


def test_a_server_of_language_models_is_stood_in_for_on_the_instances_of_the_job(account: Account) -> None:
    asked = {"messages": [{"role": "user", "content": "word"}], "max_tokens": 5}
    account.s3.put_object(Bucket="batch-in", Key="tj-chat/a.jsonl", Body=json.dumps(asked).encode() + b"\n")
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.36.0-lmi28.0.0-cu130"
    account.sagemaker.create_model(ModelName="tj-chat", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": image, "Environment": {"HF_MODEL_ID": "Qwen/Qwen3-8B"}})
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://batch-in/tj-chat/"}}, "ContentType": "application/json", "SplitType": "Line"}
    transform(account, "tj-chat", "tj-chat", TransformInput=source, TransformResources={"InstanceType": "ml.g6.2xlarge", "InstanceCount": 1})
    found = ended(account, "tj-chat")
    assert found["TransformJobStatus"] == "Completed", found
    assert json.loads(outputs(account, "tj-chat/")["a.jsonl.out"])["usage"]["completion_tokens"] == 5


def test_fails_as_a_whole_when_one_object_fails_and_still_writes_the_others(account: Account) -> None:
    account.s3.put_object(Bucket="batch-in", Key="tj-bad/good.csv", Body=b"1,1\n")
    account.s3.put_object(Bucket="batch-in", Key="tj-bad/odd.csv", Body=b"1,2\nno number\n")
    transform(account, "tj-bad", ModelClientConfig={"InvocationsMaxRetries": 0})
    found = ended(account, "tj-bad")
    assert found["TransformJobStatus"] == "Failed" and "1 of 2 objects failed: tj-bad/odd.csv" in found["FailureReason"]
    assert list(outputs(account, "tj-bad/")) == ["good.csv.out"]


def test_fails_where_there_is_nothing_below_the_prefix(account: Account) -> None:
    transform(account, "tj-empty")
    assert "No S3 objects found" in ended(account, "tj-empty")["FailureReason"]


def test_stops_while_a_request_runs(account: Account) -> None:
    account.s3.put_object(Bucket="batch-in", Key="tj-stop/a.csv", Body=b"slow\n")
    transform(account, "tj-stop")
    until(lambda: "TransformStartTime" in account.sagemaker.describe_transform_job(TransformJobName="tj-stop"))
    account.sagemaker.stop_transform_job(TransformJobName="tj-stop")
    assert ended(account, "tj-stop")["TransformJobStatus"] == "Stopped"
    assert outputs(account, "tj-stop/") == {}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ModelName": "nobody"}, "Could not find model"),
        ({"MaxConcurrentTransforms": 20}, "must not be greater than 100, got 20 \\* 6"),
        ({"BatchStrategy": "MultiRecord", "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://batch-in/x"}}}}, "needs a SplitType"),
    ],
)
def test_fails_what_the_service_refuses_before_a_job_exists(account: Account, more: dict, message: str) -> None:
    if not account.has_model("tj-refused"):
        account.sagemaker.create_model(ModelName="tj-refused", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": "s3://artifacts/x.tar.gz"})
    with pytest.raises(ClientError, match=message):
        transform(account, "tj-refused-job", **{"model": "tj-refused", **more})
    assert account.sagemaker.list_transform_jobs(NameContains="tj-refused-job")["TransformJobSummaries"] == []


def test_records_are_put_into_as_few_requests_as_they_fit_into() -> None:
    body = b"\n".join([b"x" * 400_000] * 5)
    assert [len(records) for records in payloads(body, "Line", "MultiRecord", 1)] == [2, 2, 1]
    assert [len(records) for records in payloads(body, "Line", "SingleRecord", 1)] == [1] * 5
    with pytest.raises(Refused, match="larger than MaxPayloadInMB, 1"):
        payloads(b"x" * 1_100_000, "Line", "MultiRecord", 1)


@pytest.mark.parametrize(
    ("value", "path", "chosen"),
    [
        (["1", "2", "3"], "$[1:]", ["2", "3"]),
        (["1", "2", "3"], "$[0,-1]", ["1", "3"]),
        (["1", "2", "3"], "$[-1]", "3"),
        ({"a": {"b": 1}, "c": 2}, "$.a.b", 1),
        ({"a": 1, "c": 2, "d": 3}, "$['a','c']", {"a": 1, "c": 2}),
        ({"a": 1}, "$", {"a": 1}),
    ],
)
def test_filters_choose_columns_and_fields(value: Any, path: str, chosen: Any) -> None:
    assert select(value, path) == chosen


def test_fails_a_filter_that_does_not_fit_and_answers_that_are_not_one_for_each_record() -> None:
    for path in ("$[9]", "$.missing", "$..all"):
        with pytest.raises(Refused):
            select(["1"], path)
    with pytest.raises(Refused, match="2 records cannot be joined with 1 predictions"):
        combined([b"1", b"2"], b"3", {"JoinSource": "Input"}, "text/csv", "text/csv")
    assert combined([b'{"id": 1}'], b"0.5", {"JoinSource": "Input"}, "application/jsonlines", "application/jsonlines") == [b'{"id": 1, "SageMakerOutput": 0.5}']


@pytest.fixture(scope="module")
def templates() -> dict[str, str]:
    options = [{"name": "batch-plain", "registered": False}, {"name": "batch-approved", "registered": True}, {"name": "batch-timed", "registered": False, "timed": True}]
    done = subprocess.run(["node", "--import", "tsx", "test/local/account/programs/batch-stack.ts", json.dumps(options)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip([option["name"] for option in options], map(json.dumps, json.loads(done.stdout))))


def deploy(account: Account, name: str, template: str) -> str:
    """The ARN of the machine."""
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_IAM"])
    describe = lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]  # noqa: E731
    assert until(lambda: not (now := describe()).endswith("IN_PROGRESS") and now, 60) == "CREATE_COMPLETE"
    machines = account.client("stepfunctions").list_state_machines()["stateMachines"]
    return next(machine["stateMachineArn"] for machine in machines if machine["name"] == f"{name}-scoring")


def run(account: Account, machine: str, name: str) -> dict[str, Any]:
    states = account.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=machine, name=name)["executionArn"]
    return until(lambda: (found := states.describe_execution(executionArn=execution))["status"] != "RUNNING" and found, 90)


def test_a_deployed_scoring_writes_each_run_apart_and_announces_what_is_complete_and_nothing_else(account: Account, templates: dict[str, str]) -> None:
    account.artifact("batch-plain", weight="2", program=PROGRAM)
    events = account.events("batch-scored", {"source": ["ai-workloads"], "detail-type": ["Batch Scoring Completed"], "detail": {"scoring": ["batch-plain"]}})
    machine = deploy(account, "batch-plain", templates["batch-plain"])
    account.s3.put_object(Bucket="batch-in", Key="batch-plain/day.csv", Body=b"7,1,2\n8,3,4\n")
    found = run(account, machine, "first")
    assert found["status"] == "SUCCEEDED", found
    day = found["startDate"].strftime("%Y-%m-%d")
    assert run(account, machine, "second")["status"] == "SUCCEEDED"
    assert outputs(account, "batch-plain/") == {f"{day}/{name}/day.csv.out": "7,6.0\n8,14.0\n" for name in ("first", "second")}
    account.s3.put_object(Bucket="batch-in", Key="batch-plain/odd.csv", Body=b"9,no number\n")
    failed = run(account, machine, "third")
    assert (failed["status"], failed["error"]) == ("FAILED", "States.TaskFailed") and "odd.csv" in failed["cause"]
    told = [event["detail"] for event in events(2)]
    assert [(detail["run"], detail["output"], detail["input"]) for detail in told] == [
        (name, f"s3://batch-out/batch-plain/{day}/{name}", "s3://batch-in/batch-plain/") for name in ("first", "second")
    ]


def test_a_scoring_of_a_registry_takes_the_version_that_is_approved_when_it_runs_and_leaves_no_model(account: Account, templates: dict[str, str]) -> None:
    machine = deploy(account, "batch-approved", templates["batch-approved"])
    account.s3.put_object(Bucket="batch-in", Key="batch-approved/day.csv", Body=b"7,1,2\n")
    ssm = account.client("ssm")
    ssm.put_parameter(Name="/air-test/models/delay/approved", Value="none", Type="String")
    nothing = run(account, machine, "nothing")
    assert (nothing["status"], nothing["error"]) == ("FAILED", "NothingApproved")
    account.sagemaker.create_model_package_group(ModelPackageGroupName="air-test-delay")
    for weight in ("2", "3"):
        url = account.artifact(f"versions-{weight}", weight=weight, program=PROGRAM)
        version = account.sagemaker.create_model_package(
            ModelPackageGroupName="air-test-delay", ModelApprovalStatus="Approved",
            InferenceSpecification={"Containers": [{"Image": IMAGE, "ModelDataUrl": url}], "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]},
        )["ModelPackageArn"]  # fmt: skip
        ssm.put_parameter(Name="/air-test/models/delay/approved", Value=version, Type="String", Overwrite=True)
        found = run(account, machine, f"weight-{weight}")
        assert found["status"] == "SUCCEEDED", found
    scores = outputs(account, "batch-approved/")
    assert [body for _, body in sorted(scores.items())] == ["7,6.0\n", "7,9.0\n"]
    account.s3.put_object(Bucket="batch-in", Key="batch-approved/odd.csv", Body=b"9,no number\n")
    failed = run(account, machine, "odd")
    assert (failed["status"], failed["error"]) == ("FAILED", "States.TaskFailed")
    assert account.sagemaker.list_models(NameContains="batch-approved--")["Models"] == []


def test_a_scoring_with_a_schedule_runs_by_itself_until_its_stack_is_deleted(account: Account, templates: dict[str, str]) -> None:
    account.artifact("batch-timed", weight="2", program=PROGRAM)
    account.s3.put_object(Bucket="batch-in", Key="batch-timed/day.csv", Body=b"7,1,2\n")
    machine = deploy(account, "batch-timed", templates["batch-timed"])
    (schedule,) = [one for one in account.client("scheduler").list_schedules()["Schedules"] if one["Target"]["Arn"] == machine]
    assert account.client("scheduler").get_schedule(Name=schedule["Name"])["ScheduleExpressionTimezone"] == "Europe/Berlin"
    runs = lambda: account.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]  # noqa: E731
    until(lambda: sum(found["status"] == "SUCCEEDED" for found in runs()) >= 2, 90)
    first, second = sorted(found["startDate"].timestamp() for found in runs())[:2]
    assert 9 < second - first < 13, "ten minutes of the platform are ten seconds"
    assert len(outputs(account, "batch-timed/")) >= 2
    account.client("cloudformation").delete_stack(StackName="batch-timed")
    until(lambda: schedule["Name"] not in [one["Name"] for one in account.client("scheduler").list_schedules()["Schedules"]], 60)
