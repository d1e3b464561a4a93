"""The container contract of a script-mode training job, as the sagemaker-training toolkit gives it to the user's program.

Variables and arguments: https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
Files below input/config: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ... import aws
from .job_process import localized

HOST = "algo-1"
_RESERVED = "sagemaker_"


class Contract:
    """What one training job's program sees, below the folder that stands for /opt/ml."""

    def __init__(self, job: dict[str, Any], root: Path) -> None:
        self._job, self._root = job, root
        given = {name: decoded(text) for name, text in job.get("HyperParameters", {}).items()}
        self.toolkit = {name: value for name, value in given.items() if name.startswith(_RESERVED)}
        self.hyperparameters = localized({name: value for name, value in given.items() if not name.startswith(_RESERVED)}, root)
        self.channels = {channel["ChannelName"]: channel for channel in job.get("InputDataConfig", [])}
        self.resources = {
            "current_host": HOST,
            "current_instance_type": job["ResourceConfig"].get("InstanceType"),
            "current_group_name": "homogeneousCluster",
            "hosts": [HOST],
            "instance_groups": [
                {"instance_group_name": "homogeneousCluster", "instance_type": job["ResourceConfig"].get("InstanceType"), "hosts": [HOST]}
            ],
            "network_interface_name": "eth0",
        }
        self.inputs = {name: _channel_config(channel, job) for name, channel in self.channels.items()}

    def write_files(self) -> None:
        """The folders and the files of input/config."""
        for folder in ("input/config", "input/data", "model", "output/data", "code"):
            (self._root / folder).mkdir(parents=True, exist_ok=True)
        files = {"hyperparameters": self._job.get("HyperParameters", {}), "inputdataconfig": self.inputs, "resourceconfig": self.resources}
        for name, content in files.items():
            (self._root / f"input/config/{name}.json").write_text(json.dumps(content), encoding="utf-8")

    def arguments(self) -> list[str]:
        """`--name value` for each hyperparameter of the user, by name; `-n value` for a name of one letter."""
        pairs = sorted(self.hyperparameters.items())
        return [part for name, value in pairs for part in (f"-{name}" if len(name) == 1 else f"--{name}", _argument(value))]

    def environment(self) -> dict[str, str]:
        """The variables of the toolkit, of the platform, and of the request's Environment."""
        program = str(self.toolkit.get("sagemaker_program", ""))
        values: dict[str, Any] = {
            **{f"channel_{name}": f"/opt/ml/input/data/{name}" for name in self.channels},
            **{f"hp_{name}": value for name, value in self.hyperparameters.items()},
            "channels": sorted(self.channels),
            "current_host": HOST,
            "hosts": [HOST],
            "hps": self.hyperparameters,
            "input_config_dir": "/opt/ml/input/config",
            "input_data_config": self.inputs,
            "input_dir": "/opt/ml/input",
            "log_level": self.toolkit.get("sagemaker_container_log_level", 20),
            "model_dir": "/opt/ml/model",
            "module_dir": self.toolkit.get("sagemaker_submit_directory", "/opt/ml/code"),
            "module_name": program.removesuffix(".py"),
            "network_interface_name": "eth0",
            "num_cpus": os.cpu_count() or 1,
            "num_gpus": 0,
            "output_data_dir": "/opt/ml/output/data",
            "output_dir": "/opt/ml/output",
            "output_intermediate_dir": "/opt/ml/output/intermediate",
            "resource_config": self.resources,
            "user_args": self.arguments(),
            "user_entry_point": program,
        }
        values = localized(values, self._root)
        channels = {name: str(self._root / "input/data" / name) for name in self.channels}
        values["training_env"] = {**values, "channel_input_dirs": channels, "hyperparameters": self.hyperparameters, "job_name": self._job["TrainingJobName"]}
        return {
            **self._job.get("Environment", {}),
            **{f"SM_{name}".upper(): _text(value) for name, value in values.items()},
            "TRAINING_JOB_NAME": self._job["TrainingJobName"],
            "TRAINING_JOB_ARN": self._job["TrainingJobArn"],
            "SAGEMAKER_REGION": str(self.toolkit.get("sagemaker_region", aws.region())),
            "SAGEMAKER_JOB_NAME": str(self.toolkit.get("sagemaker_job_name", "")),
            "CURRENT_HOST": HOST,
            "PYTHONPATH": "/opt/ml/code",
        }


def decoded(text: str) -> Any:
    """A hyperparameter: JSON as the SDK writes it (`"train.py"` in quotes), or the text itself when it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _channel_config(channel: dict[str, Any], job: dict[str, Any]) -> dict[str, str]:
    source = channel["DataSource"].get("S3DataSource", {})
    given = {
        "ContentType": channel.get("ContentType"),
        "TrainingInputMode": channel.get("InputMode") or job["AlgorithmSpecification"]["TrainingInputMode"],
        "S3DistributionType": source.get("S3DataDistributionType") or "FullyReplicated",
        "RecordWrapperType": channel.get("RecordWrapperType") or "None",
    }
    return {name: value for name, value in given.items() if value is not None}


def _argument(value: Any) -> str:
    """As the toolkit writes a value on a command line: a mapping as name=value pairs, nothing as an empty text."""
    if isinstance(value, dict):
        return ",".join(f"{name}={item}" for name, item in sorted(value.items()))
    return "" if value is None else str(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
