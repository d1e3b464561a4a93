"""Processing jobs: inputs are downloaded, the container's entry point runs as a process, outputs are uploaded when it ends."""
from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from ...service_models import ApiError
from . import jobs
from ..instance import CannotStart
from .job_channels import download, upload
from .job_process import localized

LOCAL_ROOT = "/opt/ml/processing"
"""Where inputs and outputs lie (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html)."""
MESSAGE_LENGTH = 1024
_CONFIG = (
    "ProcessingJobArn", "ProcessingJobName", "AppSpecification", "Environment", "ProcessingInputs", "ProcessingOutputConfig",
    "ProcessingResources", "RoleArn", "StoppingCondition",
)  # fmt: skip


class ProcessingJob(jobs.Job):
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html"""

    kind, path, end_time = "ProcessingJob", "processing-job", "ProcessingEndTime"

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values, {})

    def work(self, root: Path) -> str:
        application = self.record["AppSpecification"]
        jobs.refuse_image(application["ImageUri"])
        jobs.refuse_copies(self.record["ProcessingResources"]["ClusterConfig"])
        entry = application.get("ContainerEntrypoint")
        if not entry:
            raise CannotStart("a job without 'AppSpecification.ContainerEntrypoint' cannot run in the local account: the image's own is not known here")
        outputs = self._outputs()
        self._write_config(root)
        for item in self.record.get("ProcessingInputs", []):
            self._fetch(item, root)
        for _, folder in outputs:
            _below(root, folder).mkdir(parents=True, exist_ok=True)
        self.note(ProcessingStartTime=datetime.datetime.now(datetime.timezone.utc))
        process = self.launch([*entry, *application.get("ContainerArguments", [])], root, self.record.get("Environment", {}), root)
        outcome = self.watch(process)
        message = root / "output" / "message"
        if message.is_file():
            self.note(ExitMessage=message.read_text(encoding="utf-8", errors="replace")[:MESSAGE_LENGTH])
        if outcome == jobs.ENDED:
            self.check(root, process)
            for uri, folder in outputs:
                upload(_below(root, folder), uri)
        return outcome

    def _outputs(self) -> list[tuple[str, str]]:
        found = []
        for output in self.record.get("ProcessingOutputConfig", {}).get("Outputs", []):
            target = output.get("S3Output")
            if target is None or target["S3UploadMode"] != "EndOfJob":
                raise CannotStart(f"the output {output['OutputName']} cannot be written in the local account: only S3Output with 'S3UploadMode' EndOfJob is")
            found.append((target["S3Uri"], target["LocalPath"]))
        return found

    def _fetch(self, item: dict[str, Any], root: Path) -> None:
        source = item.get("S3Input")
        usual = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3DataDistributionType": "FullyReplicated", "S3CompressionType": "None"}
        if source is None or any(source.get(name, value) != value for name, value in usual.items()):
            raise CannotStart(f"the input {item['InputName']} cannot be read in the local account: only S3Input of a prefix, in File mode, not compressed is")
        download(source["S3Uri"], _below(root, source["LocalPath"]))

    def _write_config(self, root: Path) -> None:
        (root / "config").mkdir()
        (root / "output").mkdir()
        (root / "processing").mkdir()
        content = localized({name: self.record[name] for name in _CONFIG if name in self.record}, root)
        (root / "config/processingjobconfig.json").write_text(json.dumps(content), encoding="utf-8")
        hosts = {"current_host": "algo-1", "hosts": ["algo-1"]}
        (root / "config/resourceconfig.json").write_text(json.dumps(hosts), encoding="utf-8")


def _below(root: Path, folder: str) -> Path:
    return root / folder.removeprefix("/opt/ml/")


def refuse(values: dict[str, Any]) -> None:
    """What AWS refuses at CreateProcessingJob beyond the model of the service. Raises ApiError."""
    inputs = [(item["InputName"], item["S3Input"]) for item in values.get("ProcessingInputs", []) if "S3Input" in item]
    outputs = [(item["OutputName"], item["S3Output"]) for item in values.get("ProcessingOutputConfig", {}).get("Outputs", []) if "S3Output" in item]
    for name, place in [*inputs, *outputs]:
        path = place.get("LocalPath", "")
        if not path.startswith(f"{LOCAL_ROOT}/") and path != LOCAL_ROOT:
            raise ApiError("ValidationException", f"LocalPath of {name} must begin with {LOCAL_ROOT}/, got '{path}'.")
    for names in ([name for name, _ in inputs], [name for name, _ in outputs]):
        if len(set(names)) != len(names):
            raise ApiError("ValidationException", f"Names of inputs and of outputs must be unique, got {names}.")
