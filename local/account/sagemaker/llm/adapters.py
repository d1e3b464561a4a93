"""Adapters of the stand-in: SageMaker's adapter API, as DJL-LMI and vLLM have it (https://github.com/aws/model-hosting-container-standards).

POST /adapters {"name", "src"} and DELETE /adapters/NAME. The folder must have the adapter_config.json of a LoRA adapter, whose weights nothing
reads. Statuses are vLLM's (https://github.com/vllm-project/vllm/blob/main/tests/entrypoints/sagemaker/test_sagemaker_lora_adapters.py).
"""
from __future__ import annotations

import json
from pathlib import Path
from typing import Mapping

HEADER = "x-amzn-sagemaker-adapter-identifier"
_SWITCHES = ("OPTION_ENABLE_LORA", "SM_VLLM_ENABLE_LORA")
"""Variables of the containers without which they take no adapters (https://docs.djl.ai/master/docs/serving/serving/docs/adapters.html)."""


class Adapters:
    """The adapters of one container."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._enabled = any(environment.get(name, "").lower() == "true" for name in _SWITCHES)
        self._names: set[str] = set()

    def handle(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        """Status and text of the answer to a request of the adapter API."""
        if not self._enabled:
            return 400, f"LoRA is not enabled: set {' or '.join(_SWITCHES)} to true"
        if (method, path) == ("POST", "/adapters"):
            return self._load(body)
        name = path.removeprefix("/adapters/")
        if method != "DELETE" or name not in self._names:
            return 404, f"there is no adapter {name}"
        self._names.remove(name)
        return 200, f"adapter {name} unregistered"

    def unknown(self, name: str | None) -> bool:
        """Whether a request names an adapter that is not there."""
        return name is not None and name not in self._names

    def _load(self, body: bytes) -> tuple[int, str]:
        try:
            values = json.loads(body)
            name, folder = values["name"], Path(values["src"])
        except (ValueError, KeyError, TypeError) as error:
            return 400, f"the body must be a JSON object with 'name' and 'src': {error!r}"
        if not folder.is_dir():
            return 404, f"no adapter at {folder}"
        try:
            json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            return 400, f"adapter_config.json of {name} cannot be read: {error}"
        self._names.add(name)
        return 200, f"adapter {name} registered"
