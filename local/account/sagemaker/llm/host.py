"""What the model host needs to start the stand-in in the place of a container that serves language models."""
from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any, Mapping

from ... import aws, clock
from ..model_data import address
from .profile import load

_IMAGES = re.compile(r"/(djl-inference|huggingface-vllm|vllm|huggingface-pytorch-tgi-inference)[:@]")
_S3 = re.compile(r"s3://([^/]+)/(.+)")
COMMAND = [sys.executable, "-m", "llm.server"]


def stands_in_for(container: Mapping[str, Any]) -> bool:
    """Whether the image serves language models by itself; with a script of its own it would do what that says."""
    return _IMAGES.search(container.get("Image", "")) is not None and "SAGEMAKER_PROGRAM" not in container.get("Environment", {})


def check(container: Mapping[str, Any], instance_type: str) -> None:
    """Raises NoProfile for what has no pace, and FileNotFoundError when weights in S3 are not there. They are not fetched: nothing reads them."""
    place = address(container)
    load(instance_type, container.get("Environment", {}), place)
    match = _S3.fullmatch(place)
    if match is not None and not aws.client("s3").list_objects_v2(Bucket=match.group(1), Prefix=match.group(2), MaxKeys=1).get("KeyCount"):
        raise FileNotFoundError(f"could not find model data at {place}")


def environment(container: Mapping[str, Any], instance_type: str) -> dict[str, str]:
    """What the stand-in is told beside the container's own variables."""
    return {
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "STAND_IN_INSTANCE_TYPE": instance_type,
        "STAND_IN_MODEL_DATA": address(container),
        "STAND_IN_CLOCK_FACTOR": repr(clock.factor()),
        "STAND_IN_STARTED": repr(time.time()),
    }
