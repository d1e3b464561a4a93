"""What the tests of jobs share: requests for small jobs, their programs in Amazon S3, and looks at what came out."""
from __future__ import annotations

import io
import json
import os
import tarfile
import time
import uuid
from pathlib import Path
from typing import Any, Callable

from account import aws

PROGRAMS = Path(__file__).parent / "programs"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
ROLE = "arn:aws:iam::000000000000:role/job-role"
BUCKET = "jobs"


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    limit = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < limit, "it did not come true in time"
        time.sleep(0.05)
    return value


def fill() -> None:
    """The bucket with both programs and a little data."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(PROGRAMS / "train.py", "train.py")
    s3.put_object(Bucket=BUCKET, Key="code/sourcedir.tar.gz", Body=buffer.getvalue())
    s3.put_object(Bucket=BUCKET, Key="code/process.py", Body=(PROGRAMS / "process.py").read_bytes())
    for key in ("train/a.csv", "train/deep/b.csv", "train-old/c.csv"):
        s3.put_object(Bucket=BUCKET, Key=f"data/{key}", Body=key.encode())


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def training(name: str, hyperparameters: dict[str, str] | None = None, prefix: str | None = "data/train/", **more: Any) -> dict[str, Any]:
    """A request for CreateTrainingJob; `more` replaces members."""
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{prefix}"}}}
    return {
        "TrainingJobName": name, "RoleArn": ROLE, "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": f'"s3://{BUCKET}/code/sourcedir.tar.gz"', **(hyperparameters or {})},
        **({"InputDataConfig": [channel]} if prefix else {}), "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}, "StoppingCondition": {"MaxRuntimeInSeconds": 600}, **more,
    }  # fmt: skip


def spot(name: str) -> dict[str, Any]:
    """Members that make a training job one of managed spot training with checkpoints."""
    limits = {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200}
    return {"EnableManagedSpotTraining": True, "StoppingCondition": limits, "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints/{name}"}}


def processing(name: str, seconds: str = "0", **more: Any) -> dict[str, Any]:
    """A request for CreateProcessingJob; `more` replaces members."""
    arguments = ["/opt/ml/processing/input/data", "--output=/opt/ml/processing/output", seconds]
    inputs = [("code", "code/process.py", "input/code"), ("data", "data/train", "input/data")]
    output = {"S3Uri": f"s3://{BUCKET}/processed/{name}", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    return {
        "ProcessingJobName": name, "RoleArn": ROLE, "Environment": {"FOLDER": "/opt/ml/processing"},
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/process.py"], "ContainerArguments": arguments},
        "ProcessingInputs": [{"InputName": one, "S3Input": {"S3Uri": f"s3://{BUCKET}/{key}", "LocalPath": f"/opt/ml/processing/{path}", "S3DataType": "S3Prefix", "S3InputMode": "File"}} for one, key, path in inputs],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": output}]},
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}}, **more,
    }  # fmt: skip


def describe_training(name: str) -> dict[str, Any]:
    return aws.client("sagemaker").describe_training_job(TrainingJobName=name)


def trained(name: str, *statuses: str) -> dict[str, Any]:
    """The description once the job has ended, or has one of the statuses."""
    wanted = statuses or ("Completed", "Failed", "Stopped")
    return until(lambda: (found := describe_training(name))["TrainingJobStatus"] in wanted and found)


def processed(name: str) -> dict[str, Any]:
    describe = lambda: aws.client("sagemaker").describe_processing_job(ProcessingJobName=name)  # noqa: E731
    return until(lambda: (found := describe())["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") and found)


def keys(prefix: str) -> list[str]:
    found = aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return sorted(item["Key"].removeprefix(prefix) for item in found)


def members(name: str, archive: str = "model.tar.gz") -> dict[str, str]:
    """The files of an archive that the job wrote."""
    body = aws.client("s3").get_object(Bucket=BUCKET, Key=f"out/{name}/output/{archive}")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {member.name: tar.extractfile(member).read().decode() for member in tar.getmembers() if member.isfile()}


def running_pid(name: str, kind: str = "training-job") -> int:
    """The id of the job's own program, which it prints first."""
    log = Path(os.environ["ACCOUNT_STATE_DIR"]) / "logs" / f"{kind}-{name}.log"
    return int(until(lambda: log.exists() and "process " in (text := log.read_text()) and text.rsplit("process ", 1)[1].split()[0]))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def checkpoint(name: str) -> dict[str, Any] | None:
    found = keys(f"checkpoints/{name}/")
    return json.loads(aws.client("s3").get_object(Bucket=BUCKET, Key=f"checkpoints/{name}/progress.json")["Body"].read()) if found else None
