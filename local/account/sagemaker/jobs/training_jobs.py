"""Training jobs in script mode: channels in, the user's program, model.tar.gz out; managed spot training with checkpoints."""
from __future__ import annotations

import datetime
import shutil
from pathlib import Path
from typing import Any

from ...service_models import ApiError
from . import jobs
from .checkpoints import Checkpoints
from ..instance import CannotStart, state_dir
from .job_channels import download, relative_files, upload_archive
from ..model_data import unpack
from .training_environment import Contract

FAULTS = "faults"
"""Folder of the state folder. A file `spot-interruption-<job name>` takes the machine away from that job once."""


class TrainingJob(jobs.Job):
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html"""

    kind, path, end_time = "TrainingJob", "training-job", "TrainingEndTime"

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values, {"SecondaryStatus": "Starting", "SecondaryStatusTransitions": []})
        self.moved("Starting", self.record["CreationTime"])

    def moved(self, secondary: str, now: datetime.datetime) -> None:
        transitions = self.record["SecondaryStatusTransitions"]
        if transitions and "EndTime" not in transitions[-1]:
            transitions[-1]["EndTime"] = now
        ended = {"EndTime": now} if secondary in ("Completed", "Failed", "Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded", "Interrupted") else {}
        transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": _MESSAGES.get(secondary, secondary), **ended})
        self.record["SecondaryStatus"] = secondary

    def limits(self) -> list[tuple[float, str]]:
        most = self.record["StoppingCondition"].get("MaxWaitTimeInSeconds")
        return [*super().limits(), *([(most - self.age, "MaxWaitTimeExceeded")] if most else [])]

    def interrupted(self) -> bool:
        if not self.record.get("EnableManagedSpotTraining"):
            return False
        try:
            (state_dir() / FAULTS / f"spot-interruption-{self.name}").unlink()
        except OSError:
            return False
        return True

    def work(self, root: Path) -> str:
        jobs.refuse_image(self.record["AlgorithmSpecification"].get("TrainingImage"))
        jobs.refuse_copies(self.record["ResourceConfig"])
        contract = Contract(self.record, root)
        contract.write_files()
        checkpoints = Checkpoints(self.record.get("CheckpointConfig"), root)
        self.proceed("Downloading")
        program = self._download(contract, root)
        checkpoints.restore()
        self.proceed("Training", TrainingStartTime=self.record.get("TrainingStartTime") or datetime.datetime.now(datetime.timezone.utc))
        process = self.launch(["python", program, *contract.arguments()], root, contract.environment(), root / "code")
        checkpoints.start()
        try:
            outcome = self.watch(process)
        finally:
            checkpoints.finish()
        self.note(TrainingTimeInSeconds=self.billable, BillableTimeInSeconds=self.billable)
        if outcome == jobs.INTERRUPTED:
            return outcome
        if outcome == jobs.ENDED:
            self.check(root, process)
            self.proceed("Uploading")
        self._upload(root, outcome)
        return outcome

    def _download(self, contract: Contract, root: Path) -> str:
        for name, channel in contract.channels.items():
            source = channel["DataSource"].get("S3DataSource")
            if source is None or source["S3DataType"] != "S3Prefix" or contract.inputs[name]["TrainingInputMode"] == "Pipe":
                raise CannotStart(f"the channel {name} cannot be read in the local account: only S3Prefix in File or FastFile mode is")
            if channel.get("CompressionType", "None") != "None":
                raise CannotStart(f"the channel {name} cannot be read in the local account: 'CompressionType' Gzip is absent here")
            download(source["S3Uri"], root / "input/data" / name)
        program, code = contract.toolkit.get("sagemaker_program"), contract.toolkit.get("sagemaker_submit_directory")
        if not program or not code:
            raise CannotStart("ClientError: script mode needs the hyperparameters sagemaker_program and sagemaker_submit_directory")
        unpack(code, root / "code", "the code")
        if not (root / "code" / program).is_file():
            raise CannotStart(f"ClientError: there is no {program} in {code}")
        return program

    def _upload(self, root: Path, outcome: str) -> None:
        target = f"{self.record['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"
        if outcome == jobs.ENDED or relative_files(root / "model"):
            upload_archive(root / "model", f"{target}/model.tar.gz")
            self.note(ModelArtifacts={"S3ModelArtifacts": f"{target}/model.tar.gz"})
        if relative_files(root / "output/data"):
            shutil.move(root / "output/data", root / "output/output")
            upload_archive(root / "output/output", f"{target}/output.tar.gz")


_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Interrupted": "The Spot instance was interrupted",
}


def refuse(values: dict[str, Any]) -> None:
    """What AWS refuses at CreateTrainingJob beyond the model of the service. Raises ApiError."""
    algorithm = values["AlgorithmSpecification"]
    if ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        raise ApiError("ValidationException", "Either TrainingImage or AlgorithmName must be specified, and not both.")
    limits = values.get("StoppingCondition", {})
    spot = values.get("EnableManagedSpotTraining", False)
    if spot and limits.get("MaxWaitTimeInSeconds", 0) < limits.get("MaxRuntimeInSeconds", 86400):
        raise ApiError("ValidationException", "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds")
    names = [channel["ChannelName"] for channel in values.get("InputDataConfig", [])]
    if len(set(names)) != len(names):
        raise ApiError("ValidationException", f"Channel names must be unique, got {names}.")
