"""State machines whose tasks run SageMaker's jobs, through boto3 as any AWS client sees them. [R1, L3]"""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import LOCAL, _await_ready, environment, free_port
from jobs_account import IMAGE, ROLE, alive, describe_training, fill, keys, processing, running_pid, trained, training, unique, until

from account import aws

RESOURCE = "arn:aws:states:::sagemaker:createTrainingJob.sync"
SLOW = {"epochs": "1", "seconds": "60", "checkpoints": "/opt/ml/checkpoints"}
LAMBDA_ROLE = "arn:aws:iam::000000000000:role/machine"


@pytest.fixture(scope="module", autouse=True)
def bucket(account_url: str) -> None:
    fill()


def task(resource: str, parameters: dict, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **more}


def start(states: dict[str, Any], first: str = "Work", **more: Any) -> str:
    machine = aws.client("stepfunctions").create_state_machine(name=unique("machine"), roleArn=LAMBDA_ROLE, definition=json.dumps({"StartAt": first, "States": states, **more}))
    return aws.client("stepfunctions").start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]


def ended(execution: str) -> dict[str, Any]:
    describe = lambda: aws.client("stepfunctions").describe_execution(executionArn=execution)  # noqa: E731
    return until(lambda: (found := describe())["status"] != "RUNNING" and found)


def test_a_machine_prepares_and_trains_and_gets_the_descriptions_with_times_in_milliseconds() -> None:
    prepare, train = unique("prepare"), unique("train")
    execution = start({
        "Work": {**task("arn:aws:states:::sagemaker:createProcessingJob.sync", processing(prepare), ResultPath="$.prepared", Next="Train")} | {"End": False},
        "Train": task(RESOURCE, training(train), ResultPath="$.trained"),
    })  # fmt: skip
    found = ended(execution)
    assert found["status"] == "SUCCEEDED", found
    output = json.loads(found["output"])
    assert output["prepared"]["ProcessingJobStatus"] == "Completed" and keys(f"processed/{prepare}/")
    assert output["trained"]["TrainingJobStatus"] == "Completed"
    assert output["trained"]["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://jobs/out/{train}/output/model.tar.gz"
    for moment in (output["trained"]["CreationTime"], output["trained"]["SecondaryStatusTransitions"][0]["StartTime"], output["prepared"]["ProcessingEndTime"]):
        assert isinstance(moment, int) and abs(moment / 1000 - time.time()) < 120


def test_fails_with_the_description_as_cause_and_the_state_may_catch_it() -> None:
    name = unique("caught")
    execution = start({
        "Work": task(RESOURCE, training(name, {"fail": "no rows"}), Catch=[{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "Caught"}]),
        "Caught": {"Type": "Pass", "End": True},
    })  # fmt: skip
    output = json.loads(ended(execution)["output"])
    assert output["error"]["Error"] == "States.TaskFailed"
    cause = json.loads(output["error"]["Cause"])
    assert (cause["TrainingJobName"], cause["TrainingJobStatus"]) == (name, "Failed") and "no rows" in cause["FailureReason"]


def test_a_failing_job_is_retried_under_another_name() -> None:
    name = unique("again")
    parameters = {**training(name, {"fail": "no rows"}), "TrainingJobName.$": f"States.Format('{name}-{{}}', $$.State.RetryCount)"}
    del parameters["TrainingJobName"]
    execution = start({"Work": task(RESOURCE, parameters, Retry=[{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 2}])})
    found = ended(execution)
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed")
    assert [describe_training(f"{name}-{attempt}")["TrainingJobStatus"] for attempt in range(3)] == ["Failed"] * 3


@pytest.mark.parametrize(
    ("resource", "error"),
    [(RESOURCE, "SageMaker.AmazonSageMakerException"), ("arn:aws:states:::aws-sdk:sagemaker:createTrainingJob", "SageMaker.SageMakerException")],
)
def test_fails_a_wrong_parameter_with_the_services_message_before_a_job_exists(resource: str, error: str) -> None:
    name = unique("wrong")
    found = ended(start({"Work": task(resource, training(name, EnableManagedSpotTraining=True))}))
    assert (found["status"], found["error"]) == ("FAILED", error)
    assert "Invalid MaxWaitTimeInSeconds" in found["cause"] and "Error Code: ValidationException" in found["cause"]
    assert aws.client("sagemaker").list_training_jobs(NameContains=name)["TrainingJobSummaries"] == []


def test_fails_a_name_that_is_taken_with_an_error_of_its_own() -> None:
    name = unique("taken")
    states = {"Work": task(RESOURCE, training(name))}
    assert ended(start(states))["status"] == "SUCCEEDED"
    assert ended(start(states))["error"] == "SageMaker.ResourceInUseException"


@pytest.mark.parametrize(
    ("resource", "cause"),
    [
        ("arn:aws:states:::sagemaker:createLabelingJob.sync", "is not in the local account"),
        ("arn:aws:states:::sagemaker:describeTrainingJob", "is no integration of AWS Step Functions"),
        ("arn:aws:states:::aws-sdk:sagemaker:describeNothing", "SageMaker has no operation DescribeNothing"),
        ("arn:aws:states:::aws-sdk:sagemaker:createTrainingJob.sync", "use the optimized sagemaker:createTrainingJob.sync"),
    ],
)
def test_fails_what_there_is_not_and_says_what_there_is(resource: str, cause: str) -> None:
    found = ended(start({"Work": task(resource, {})}))
    assert found["error"] == "States.Runtime" and cause in found["cause"]


def test_without_sync_a_task_only_starts_the_job_and_the_sdk_form_describes_it() -> None:
    name = unique("started")
    execution = start({
        "Work": {**task("arn:aws:states:::sagemaker:createTrainingJob", training(name, {**SLOW, "seconds": "1"}), Next="Look")} | {"End": False},
        "Look": task("arn:aws:states:::aws-sdk:sagemaker:describeTrainingJob", {"TrainingJobName": name}),
    })  # fmt: skip
    output = json.loads(ended(execution)["output"])
    assert output["TrainingJobStatus"] == "InProgress"
    assert output["CreationTime"].endswith("Z") and "T" in output["CreationTime"]
    assert trained(name)["TrainingJobStatus"] == "Completed"


def test_stopping_the_execution_stops_the_job_and_starts_no_retry() -> None:
    name = unique("aborted")
    execution = start({"Work": task(RESOURCE, training(name, SLOW), Retry=[{"ErrorEquals": ["States.ALL"]}], Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]), "Caught": {"Type": "Pass", "End": True}})
    pid = running_pid(name)
    aws.client("stepfunctions").stop_execution(executionArn=execution, error="Enough", cause="by hand")
    assert trained(name)["TrainingJobStatus"] == "Stopped" and not alive(pid)
    time.sleep(1)
    found = aws.client("stepfunctions").describe_execution(executionArn=execution)
    assert (found["status"], found["error"]) == ("ABORTED", "Enough")
    events = aws.client("stepfunctions").get_execution_history(executionArn=execution, maxResults=100)["events"]
    assert [event["type"] for event in events if event["type"].startswith("TaskScheduled")] == ["TaskScheduled"]
    assert events[-1]["type"] == "ExecutionAborted"


def test_a_state_whose_time_is_over_stops_the_job() -> None:
    name = unique("timeout")
    found = ended(start({"Work": task(RESOURCE, training(name, SLOW), TimeoutSeconds=2)}))
    assert (found["status"], found["error"]) == ("FAILED", "States.Timeout")
    assert trained(name)["TrainingJobStatus"] == "Stopped"


def test_a_job_that_somebody_stops_fails_its_task() -> None:
    name = unique("stopped")
    execution = start({"Work": task(RESOURCE, training(name, SLOW))})
    running_pid(name)
    aws.client("sagemaker").stop_training_job(TrainingJobName=name)
    found = ended(execution)
    assert found["error"] == "States.TaskFailed" and json.loads(found["cause"])["TrainingJobStatus"] == "Stopped"


def test_the_account_answers_while_tasks_wait_for_their_jobs() -> None:
    names = [unique("busy") for _ in range(2)]
    executions = [start({"Work": task(RESOURCE, training(name, {**SLOW, "seconds": "2"}))}) for name in names]
    for name in names:
        running_pid(name)
    began = time.monotonic()
    aws.client("s3").list_buckets()
    assert time.monotonic() - began < 1
    assert [ended(execution)["status"] for execution in executions] == ["SUCCEEDED", "SUCCEEDED"]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_an_account_that_ends_leaves_no_program_of_a_job_behind(end: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    with (tmp_path / "account.log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "account.launch"], env=environment(port, tmp_path), cwd=LOCAL, stdout=log, stderr=log, start_new_session=True)
    try:
        _await_ready(f"http://127.0.0.1:{port}", process, tmp_path / "account.log")
        monkeypatch.setenv("GATEWAY_PORT", str(port))
        monkeypatch.setenv("ACCOUNT_STATE_DIR", str(tmp_path))
        aws.client.cache_clear()
        fill()
        name = unique("orphan")
        start({"Work": task(RESOURCE, training(name, {**SLOW, "deaf": "yes"}))})
        pid = running_pid(name)
        assert alive(pid)
        leader = json.loads((tmp_path / "jobs.json").read_text())[name]["pid"]
    finally:
        os.kill(process.pid, end)
        process.wait(20)
        aws.client.cache_clear()
    until(lambda: not alive(pid) and not alive(leader), 5)
    assert end == signal.SIGKILL or not (tmp_path / "jobs").exists(), "an account that ends in peace also removes the folders"
