"""Training and processing jobs that really run, through boto3 as any AWS client sees them. [L3]"""
from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from jobs_account import BUCKET, alive, checkpoint, describe_training, fill, keys, members, processed, processing, running_pid, spot, trained, training, unique, until

from account import aws


@pytest.fixture(scope="module", autouse=True)
def bucket(account_url: str) -> None:
    fill()


def train(name: str, *args: Any, **more: Any) -> str:
    return aws.client("sagemaker").create_training_job(**training(name, *args, **more))["TrainingJobArn"]


def test_a_training_job_runs_the_program_under_the_toolkits_contract_and_leaves_a_model() -> None:
    name = unique("Life")
    hyperparameters = {"epochs": "3", "checkpoints": "/opt/ml/checkpoints", "seconds": '"0.01"'}
    arn = train(name, hyperparameters, Environment={"OWN": "/opt/ml/model", "OWNED": "s3://opt/ml/x"}, Tags=[{"Key": "owner", "Value": "ml"}])
    assert arn == f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name.lower()}"
    found = trained(name)
    assert found["TrainingJobStatus"] == "Completed", found
    assert [one["Status"] for one in found["SecondaryStatusTransitions"]] == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all(one["EndTime"] >= one["StartTime"] for one in found["SecondaryStatusTransitions"])
    assert found["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/out/{name}/output/model.tar.gz"
    assert found["BillableTimeInSeconds"] >= 1 and found["TrainingStartTime"] <= found["TrainingEndTime"]
    assert members(name, "output.tar.gz") == {"report.txt": "report"}
    seen = json.loads(members(name)["seen.json"])
    env = seen["environment"]
    assert seen["files"] == {"a.csv": "train/a.csv", "deep/b.csv": "train/deep/b.csv"}
    root = env["SM_MODEL_DIR"].removesuffix("/model")
    assert seen["arguments"] == ["--checkpoints", f"{root}/checkpoints", "--epochs", "3", "--seconds", "0.01"] == json.loads(env["SM_USER_ARGS"])
    assert (env["SM_HP_EPOCHS"], env["SM_CHANNELS"], env["SM_CURRENT_HOST"], env["SM_HOSTS"]) == ("3", '["train"]', "algo-1", '["algo-1"]')
    assert json.loads(env["SM_HPS"])["epochs"] == 3 and env["TRAINING_JOB_NAME"] == name and env["TRAINING_JOB_ARN"] == arn
    assert (env["OWN"], env["OWNED"], env["AWS_ENDPOINT_URL"]) == (f"{root}/model", "s3://opt/ml/x", aws.account_url())
    assert sorted(seen["config"]) == ["hyperparameters.json", "inputdataconfig.json", "resourceconfig.json"]
    assert not Path(root).parent.exists(), "the job's folder is left behind"
    assert aws.client("sagemaker").list_tags(ResourceArn=arn)["Tags"] == [{"Key": "owner", "Value": "ml"}]


def test_a_program_sees_nothing_of_the_accounts_own_environment() -> None:
    name = unique("env")
    train(name)
    trained(name)
    env = json.loads(members(name)["seen.json"])["environment"]
    assert env["AWS_ACCESS_KEY_ID"] == "000000000000" and Path(env["AWS_CONFIG_FILE"]).name == "empty"
    assert {key for key in env if key.startswith("AWS_")} == {
        "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED",
        "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
    }  # fmt: skip


def test_a_prefix_may_be_one_object_and_a_prefix_without_a_slash_also_finds_its_namesakes() -> None:
    one, wide = unique("one"), unique("wide")
    train(one, prefix="data/train/a.csv")
    train(wide, prefix="data/train")
    assert trained(one)["TrainingJobStatus"] == trained(wide)["TrainingJobStatus"] == "Completed"
    assert json.loads(members(one)["seen.json"])["files"] == {"a.csv": "train/a.csv"}
    assert sorted(json.loads(members(wide)["seen.json"])["files"]) == ["a.csv", "deep/b.csv", "train-old/c.csv"]


@pytest.mark.parametrize(
    ("hyperparameters", "more", "reason"),
    [
        ({"fail": "no rows"}, {}, "AlgorithmError: cannot go on: no rows, exit code: 1"),
        ({"fail": "no rows", "reason": "the data has no rows"}, {}, "AlgorithmError: the data has no rows, exit code: 1"),
        ({"sagemaker_program": "nope.py"}, {}, "there is no nope.py in"),
        ({"sagemaker_submit_directory": "s3://jobs/nope.tar.gz"}, {}, "could not access the code at s3://jobs/nope.tar.gz"),
        ({}, {"prefix": "data/nothing/"}, 'No S3 objects found under S3 URL "s3://jobs/data/nothing/"'),
        ({}, {"AlgorithmSpecification": {"TrainingImage": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2", "TrainingInputMode": "File"}}, "cannot run in the local account"),
        ({}, {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 10}}, "2 instances cannot run in the local account"),
        ({}, {"CheckpointConfig": {"S3Uri": "s3://jobs/c", "LocalPath": "/data"}}, "must lie below /opt/ml/"),
    ],
)
def test_fails_a_training_job_and_says_why(hyperparameters: dict, more: dict, reason: str) -> None:
    name = unique("failing")
    train(name, hyperparameters, **more)
    found = trained(name)
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Failed", "Failed")
    assert reason in found["FailureReason"]
    assert keys(f"out/{name}/") == []


def test_a_spot_interruption_goes_on_from_the_checkpoint() -> None:
    name = unique("spot")
    train(name, {"epochs": "30", "seconds": "0.1", "checkpoints": "/opt/ml/checkpoints"}, **spot(name))
    first = running_pid(name)
    until(lambda: (checkpoint(name) or {"epochs": 0})["epochs"] >= 3)
    faults = Path(os.environ["ACCOUNT_STATE_DIR"]) / "faults"
    faults.mkdir(exist_ok=True)
    (faults / f"spot-interruption-{name}").touch()
    found = trained(name)
    assert found["TrainingJobStatus"] == "Completed", found
    assert [one["Status"] for one in found["SecondaryStatusTransitions"]] == [
        "Starting", "Downloading", "Training", "Interrupted", "Starting", "Downloading", "Training", "Uploading", "Completed",
    ]  # fmt: skip
    seen = json.loads(members(name)["seen.json"])
    assert seen["resumedAt"] >= 3 and seen["resumedAt"] + seen["trainedHere"] == 30, "no epoch is trained twice"
    assert len(seen["pids"]) == 2 and seen["pids"][0] == first and not alive(first)


def test_a_stopped_job_gets_sigterm_and_may_save_its_model() -> None:
    name = unique("stopped")
    train(name, {"epochs": "1", "seconds": "60", "checkpoints": "/opt/ml/checkpoints"})
    pid = running_pid(name)
    aws.client("sagemaker").stop_training_job(TrainingJobName=name)
    assert describe_training(name)["TrainingJobStatus"] in ("Stopping", "Stopped")
    found = trained(name)
    assert (found["TrainingJobStatus"], found["SecondaryStatus"], members(name)) == ("Stopped", "Stopped", {"stopped.txt": "saved"})
    assert not alive(pid)
    with pytest.raises(ClientError, match="The request was rejected because the training job is in status Stopped"):
        aws.client("sagemaker").stop_training_job(TrainingJobName=name)


def test_a_job_over_its_time_is_ended_even_when_it_does_not_listen() -> None:
    name = unique("slow")
    train(name, {"epochs": "1", "seconds": "60", "deaf": "yes", "checkpoints": "/opt/ml/checkpoints"}, StoppingCondition={"MaxRuntimeInSeconds": 1})
    pid = running_pid(name)
    found = trained(name)
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert not alive(pid)


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"TrainingJobName": "under_score"}, "ValidationException", "regular expression"),
        ({"EnableManagedSpotTraining": True}, "ValidationException", "Invalid MaxWaitTimeInSeconds"),
        ({"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59}}, "ValidationException", "Invalid MaxWaitTimeInSeconds"),
        ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, "ValidationException", "TrainingImage or AlgorithmName"),
        ({"ResourceConfig": {"InstanceType": "ml.nope.large", "InstanceCount": 1, "VolumeSizeInGB": 1}}, "ValidationException", "enum value set"),
    ],
)
def test_fails_a_wrong_request_as_aws_would(change: dict, code: str, message: str) -> None:
    with pytest.raises(ClientError, match=message) as error:
        train(unique("wrong"), **change)
    assert error.value.response["Error"]["Code"] == code


def test_fails_a_name_that_is_taken_and_one_that_is_nobodys() -> None:
    sagemaker = aws.client("sagemaker")
    name = unique("taken")
    train(name)
    with pytest.raises(ClientError, match="Training job names must be unique within an AWS account and region") as error:
        train(name)
    assert error.value.response["Error"]["Code"] == "ResourceInUse"
    with pytest.raises(ClientError, match="Requested resource not found"):
        sagemaker.describe_training_job(TrainingJobName="nobody")
    with pytest.raises(ClientError, match="Could not find requested job with name: nobody"):
        sagemaker.stop_processing_job(ProcessingJobName="nobody")


def test_jobs_are_listed_by_name_status_and_page() -> None:
    sagemaker = aws.client("sagemaker")
    names = [unique("listed") for _ in range(3)]
    for name in names:
        train(name)
        trained(name)
    found = [one["TrainingJobName"] for page in sagemaker.get_paginator("list_training_jobs").paginate(NameContains="listed", StatusEquals="Completed", PaginationConfig={"PageSize": 2}) for one in page["TrainingJobSummaries"]]
    assert found == names[::-1], "newest first"
    assert sagemaker.list_training_jobs(NameContains="listed", StatusEquals="Failed")["TrainingJobSummaries"] == []
    assert len(sagemaker.list_training_jobs(NameContains="listed", MaxResults=2)["TrainingJobSummaries"]) == 2
    second = describe_training(names[1])["LastModifiedTime"]
    later = sagemaker.list_training_jobs(NameContains="listed", LastModifiedTimeAfter=second, SortOrder="Ascending")["TrainingJobSummaries"]
    assert [one["TrainingJobName"] for one in later][-1] == names[2] and names[0] not in [one["TrainingJobName"] for one in later]


def test_every_change_of_status_is_an_event_on_the_default_bus() -> None:
    events, sqs = aws.client("events"), aws.client("sqs")
    queue = sqs.create_queue(QueueName=unique("job-events"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})})
    name = unique("told")
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Training Job State Change"], "detail": {"TrainingJobName": [name]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    train(name)
    trained(name)
    found: list[dict] = []

    def complete() -> bool:
        found.extend(json.loads(message["Body"]) for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []))
        return len(found) >= 2

    until(complete)
    assert [event["detail"]["TrainingJobStatus"] for event in sorted(found, key=lambda event: event["detail"]["LastModifiedTime"])] == ["InProgress", "Completed"]
    assert isinstance(found[0]["detail"]["CreationTime"], int) and found[0]["resources"] == [describe_training(name)["TrainingJobArn"]]


def test_a_processing_job_reads_its_inputs_and_uploads_its_output() -> None:
    name = unique("process")
    arn = aws.client("sagemaker").create_processing_job(**processing(name))["ProcessingJobArn"]
    found = processed(name)
    assert (found["ProcessingJobStatus"], found.get("ExitMessage")) == ("Completed", "all well"), found
    assert found["ProcessingJobArn"] == arn and found["ProcessingEndTime"] >= found["ProcessingStartTime"]
    assert keys(f"processed/{name}/") == ["deep/a.csv", "deep/b.csv", "deep/c.csv", "told.json"]
    told = json.loads(aws.client("s3").get_object(Bucket=BUCKET, Key=f"processed/{name}/told.json")["Body"].read())
    assert BUCKET in told["buckets"], "the program reaches the account with its role's credentials"
    assert told["config"]["ProcessingInputs"][0]["S3Input"]["LocalPath"] == f"{told['folder']}/input/code"
    assert not Path(told["cwd"]).exists()
    summaries = aws.client("sagemaker").list_processing_jobs(NameContains=name)["ProcessingJobSummaries"]
    assert [one["ProcessingJobStatus"] for one in summaries] == ["Completed"]


def output(mode: str) -> dict[str, Any]:
    return {"Outputs": [{"OutputName": "out", "S3Output": {"S3Uri": "s3://jobs/x", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": mode}}]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ProcessingOutputConfig": output("Continuous")}, "only S3Output with 'S3UploadMode' EndOfJob is"),
        ({"AppSpecification": {"ImageUri": "other/image:1"}}, "only scikit-learn images"),
        ({"AppSpecification": {"ImageUri": "x/sagemaker-scikit-learn:1"}}, "ContainerEntrypoint"),
        ({"AppSpecification": {"ImageUri": "x/sagemaker-scikit-learn:1", "ContainerEntrypoint": ["/nope"]}}, "No such file or directory, exit code: 127"),
        ({"AppSpecification": {"ImageUri": "x/sagemaker-scikit-learn:1", "ContainerEntrypoint": ["python3", "-c", "import os; os.kill(os.getpid(), 9)"]}}, "exit code: 137"),
    ],
)
def test_fails_a_processing_job_and_says_why(change: dict, reason: str) -> None:
    name = unique("failing")
    aws.client("sagemaker").create_processing_job(**processing(name, **change))
    found = processed(name)
    assert found["ProcessingJobStatus"] == "Failed" and reason in found["FailureReason"]


def test_fails_an_input_outside_the_processing_folder() -> None:
    request = processing(unique("outside"))
    request["ProcessingInputs"][0]["S3Input"]["LocalPath"] = "/opt/ml/input"
    with pytest.raises(ClientError, match=re.escape("must begin with /opt/ml/processing/")):
        aws.client("sagemaker").create_processing_job(**request)


def test_a_stopped_processing_job_leaves_no_process() -> None:
    name = unique("halt")
    aws.client("sagemaker").create_processing_job(**processing(name, seconds="60"))
    pid = running_pid(name, "processing-job")
    aws.client("sagemaker").stop_processing_job(ProcessingJobName=name)
    assert processed(name)["ProcessingJobStatus"] == "Stopped"
    assert not alive(pid)
