"""Serverless variants: containers come with requests and go when nobody calls; each works on one request at a time.

https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html. A request beyond MaxConcurrency is throttled; ProvisionedConcurrency
is started at once and stays.
"""
from __future__ import annotations

import logging
import threading
import time
from typing import Any

from .. import clock
from ..service_models import ApiError
from .fleet import Variant
from .instance import CannotStart, Instance

IDLE_SECONDS = 300.0
"""Platform seconds without a request after which a container goes. Our model: AWS publishes no figure."""
START_SECONDS = 180.0
"""Platform seconds that a container may take to start. Our model too."""
MAXIMUM_BODY_BYTES = 4 * 1024 * 1024
"""https://docs.aws.amazon.com/sagemaker/latest/dg/deploy-model-options.html"""
_LOG = logging.getLogger("model-host")


class Environment(Instance):
    """A container that works on one request, or on none."""

    taken = False
    used_at = 0.0

    def leave(self) -> None:
        super().leave()
        self.taken, self.used_at = False, time.monotonic()


class ServerlessVariant(Variant):
    """The containers of a variant without instances."""

    def __init__(self, endpoint: str, spec: dict[str, Any], container: dict[str, Any]) -> None:
        config = spec["ServerlessConfig"]
        self.most, self.kept = config["MaxConcurrency"], config.get("ProvisionedConcurrency", 0)
        self._changing = threading.Lock()
        self._starting = 0
        self.environments: list[Environment] = []
        self._seen: list[str] = []
        super().__init__(endpoint, spec, container, self.kept)

    def resize(self, count: int) -> None:
        """Starts what is kept warm; the rest comes with requests. Raises CannotStart."""
        while len(self.environments) < self.kept:
            self.environments.append(self._started())

    @property
    def size(self) -> int:
        """One, for a deployment that shifts traffic."""
        return 1

    @property
    def utilization(self) -> float:
        """Share of MaxConcurrency that runs."""
        return self._running() / self.most

    def capacity(self) -> dict[str, Any]:
        return {"CurrentServerlessConfig": self.spec["ServerlessConfig"], "DesiredServerlessConfig": self.spec["ServerlessConfig"]}

    def containers(self) -> list[Instance]:
        return list(self.environments)

    def pick(self) -> Instance | None:
        """A container that is free, else a new one; None when none starts. Raises ApiError for one request too many."""
        with self._changing:
            free = next((one for one in self.environments if one.healthy and not one.taken), None)
            if free is not None:
                free.taken, free.cold_seconds = True, 0.0
                return free
            if self._running() >= self.most:
                raise ApiError("ThrottlingException", f"Rate exceeded: {self.most} invocations of variant {self.name} run, which is its MaxConcurrency.")
            self._starting += 1
        began = time.monotonic()
        try:
            made = self._started()
        except CannotStart as error:
            _LOG.warning("endpoint %s: %s", self.endpoint, error)
            return None
        else:
            made.taken, made.cold_seconds = True, time.monotonic() - began
            with self._changing:
                self.environments.append(made)
            return made
        finally:
            with self._changing:
                self._starting -= 1

    def tidy(self) -> bool:
        """Ends containers that nobody has used for long, except those that are kept warm."""
        limit = time.monotonic() - clock.scaled(IDLE_SECONDS)
        with self._changing:
            idle = [one for one in self.environments[self.kept :] if not one.taken and one.used_at < limit]
            self.environments = [one for one in self.environments if one not in idle]
            seen, self._seen = self._seen, [one.name for one in self.environments]
        for one in idle:
            one.remove()
        return self._seen != seen

    def remove(self) -> None:
        for one in self.environments:
            one.remove()

    def _running(self) -> int:
        return sum(one.taken for one in self.environments) + self._starting

    def _started(self) -> Environment:
        made = Environment(self.endpoint, self.name, self.container)
        try:
            made.prepare()
            made.start()
            made.wait_healthy(START_SECONDS)
        except CannotStart:
            made.remove()
            raise
        made.used_at = time.monotonic()
        return made


def refuse(variant: dict[str, Any], config: dict[str, Any], model: dict[str, Any]) -> None:
    """What a configuration with a serverless variant cannot have. Raises ApiError."""
    serverless = variant["ServerlessConfig"]
    wrong = [
        *(["an InstanceType or InitialInstanceCount"] if "InstanceType" in variant or "InitialInstanceCount" in variant else []),
        *([name for name in ("DataCaptureConfig", "KmsKeyId", "AsyncInferenceConfig") if name in config]),
        *(["several variants"] if len(config["ProductionVariants"]) > 1 else []),
        *(["a model with a VpcConfig"] if "VpcConfig" in model else []),
        # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
        *(["a model with a ModelDataSource"] if "ModelDataSource" in model["_containers"][0] else []),
        *(["a model with EnableNetworkIsolation"] if model.get("EnableNetworkIsolation") else []),
    ]
    if wrong:
        raise ApiError("ValidationException", f"Serverless variant {variant['VariantName']} cannot have {', '.join(wrong)}.")
    if serverless["MemorySizeInMB"] % 1024:
        raise ApiError("ValidationException", f"MemorySizeInMB must be a multiple of 1024, got {serverless['MemorySizeInMB']}.")
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise ApiError("ValidationException", "ProvisionedConcurrency must not be greater than MaxConcurrency.")
