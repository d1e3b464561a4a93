"""How long an endpoint that is in service waits for another instance.

Scaling out waits once for all the instances that it adds, before their containers start; a new endpoint and a deployment start without a wait,
so that an account is up soon: there the time is that of the containers alone.
"""
from __future__ import annotations

import os

VARIABLE = "INSTANCE_PROVISIONING_SECONDS"
DEFAULT_SECONDS = 200
"""Platform seconds. A small model on one more ml.g5.xlarge was seen after 181 s and in service 21 s later. Large images and models take from 134 to
525 s (https://aws.amazon.com/blogs/machine-learning/introducing-container-caching-in-amazon-sagemaker-ai-for-faster-model-scaling/)."""
LONGEST_SECONDS = 3600


def seconds() -> float:
    """Platform seconds between the order of instances and the start of their containers; the variable states another figure. Raises ValueError."""
    text = os.environ.get(VARIABLE) or str(DEFAULT_SECONDS)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LONGEST_SECONDS:
        raise ValueError(f"{VARIABLE} must be a number from 0 to {LONGEST_SECONDS}, got {text!r}")
    return value
