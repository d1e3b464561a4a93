"""How fast a model is on a GPU: figures of profiles.json, each with its source, and what follows from them."""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from .waiting import POLICIES

_POLICY_VARIABLES = ("OPTION_SCHEDULING_POLICY", "SM_VLLM_SCHEDULING_POLICY")
"""DJL-LMI hands options that it does not know to vLLM (https://docs.djl.ai/master/docs/serving/serving/docs/lmi/user_guides/vllm_user_guide.html); the other is
the vLLM container's."""
_FILE = Path(__file__).with_name("profiles.json")
_GIB = 1024**3


class NoProfile(Exception):
    """Why there is no pace to keep; the text says what there is."""


@dataclass(frozen=True)
class Profile:
    """One model on one GPU. Seconds are of the platform clock."""

    model: str
    gpu: str
    base_seconds: float
    """An iteration at least: the weights are read once."""
    token_seconds: float
    """Computing one token, of a prompt or of an answer."""
    context_seconds: float
    """Reading the KV cache of one token."""
    kv_tokens: int
    """Tokens that the KV cache holds."""
    max_sequences: int
    chunk_tokens: int
    """Tokens of prompts in one iteration at most."""
    context_tokens: int
    """Prompt and answer of one request together, at most."""
    queue_size: int
    """Requests that wait for room, at most: further ones are refused."""
    start_seconds: float
    scheduling_policy: str = POLICIES[0]
    """Who is served next of those that wait: one of `POLICIES`."""

    def iteration_seconds(self, computed: int, cached: int) -> float:
        """Duration of an iteration that computes so many tokens beside so many in the cache."""
        return max(self.base_seconds, self.token_seconds * computed) + self.context_seconds * cached


def load(instance_type: str, environment: Mapping[str, str], model_data: str = "") -> Profile:
    """The profile of what a container was told to serve. Raises NoProfile."""
    data = json.loads(_FILE.read_text(encoding="utf-8"))
    gpu = data["instances"].get(instance_type)
    if gpu is None:
        raise NoProfile(f"there is no GPU profile for '{instance_type}': there are those of {', '.join(data['instances'])}")
    return _derive(_model(data["models"], environment, model_data), gpu, data, environment)


def _model(models: Mapping[str, Any], environment: Mapping[str, str], model_data: str) -> str:
    """The model whose name is in the hub's id or in the place of the weights."""
    places = [environment.get(key, "") for key in ("HF_MODEL_ID", "OPTION_MODEL_ID", "SM_VLLM_MODEL")] + [model_data]
    for name in models:
        if any(name.lower() in place.lower() for place in places):
            return name
    raise NoProfile(f"no profile is named by {', '.join(filter(None, places)) or 'the model'}: there are those of {', '.join(models)}")


def _derive(model: str, gpu: str, data: Mapping[str, Any], environment: Mapping[str, str]) -> Profile:
    weights, card, server = data["models"][model], data["gpus"][gpu], data["server"]
    bandwidth = card["memoryBandwidth"] * card["bandwidthShare"]
    free = (card["memoryGib"] * server["memoryShare"] - weights["activationGib"]) * _GIB - weights["weightBytes"]
    kv_tokens = int(free / weights["kvBytesPerToken"])
    if kv_tokens < 1:
        raise NoProfile(f"{model} does not fit into an {gpu}: nothing is left for the KV cache")
    asked = int(environment.get("OPTION_MAX_MODEL_LEN") or weights["contextTokens"])
    if environment.get("OPTION_MAX_MODEL_LEN") and asked > kv_tokens:
        raise NoProfile(f"OPTION_MAX_MODEL_LEN of {asked} is above the {kv_tokens} tokens that the KV cache of an {gpu} holds beside {model}")
    return Profile(
        model=model,
        gpu=gpu,
        base_seconds=weights["weightBytes"] / bandwidth,
        token_seconds=1 / card["prefillTokensPerSecond"],
        context_seconds=weights["kvBytesPerToken"] / bandwidth,
        kv_tokens=kv_tokens,
        max_sequences=int(environment.get("OPTION_MAX_ROLLING_BATCH_SIZE") or server["maxSequences"]),
        chunk_tokens=server["prefillChunkTokens"],
        context_tokens=min(asked, kv_tokens),
        queue_size=int(environment.get("SERVING_JOB_QUEUE_SIZE") or server["queueSize"]),
        start_seconds=weights["startSeconds"],
        scheduling_policy=_policy(environment),
    )


def _policy(environment: Mapping[str, str]) -> str:
    """In what order requests are served. Raises NoProfile for what vLLM does not start with, and for two variables that contradict each other."""
    asked = {name: environment[name] for name in _POLICY_VARIABLES if name in environment}
    for name, value in asked.items():
        if value not in POLICIES:
            raise NoProfile(f"{name} must be {' or '.join(POLICIES)}, got '{value}'")
    if len(set(asked.values())) > 1:
        raise NoProfile(f"{' and '.join(asked)} contradict each other: set the one that the container reads")
    return next(iter(asked.values()), POLICIES[0])
