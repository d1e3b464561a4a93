"""Shadow variants: they are sent copies of requests, and nobody gets their answers.

https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html. Metrics and captures are under the name of the shadow. Our model: a copy
starts with its request, capture samples copies by themselves, and copies beyond a number in work are left out, so that a shadow that cannot follow
costs its callers nothing.
"""
from __future__ import annotations

import logging
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

from ..service_models import ApiError
from . import pools
from .fleet import Fleet, Variant

MOST_IN_WORK = 256
_COPIES = ThreadPoolExecutor(max_workers=MOST_IN_WORK, thread_name_prefix="shadow")
_room = threading.BoundedSemaphore(MOST_IN_WORK)
_LOG = logging.getLogger("model-host")


def refuse(config: dict[str, Any]) -> None:
    """What a configuration with shadow variants cannot have. Raises ApiError.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html and
    https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html, where no texts are.
    """
    production, shadows = config["ProductionVariants"], config.get("ShadowProductionVariants", [])
    if not shadows:
        return
    both = [*production, *shadows]
    wrong = [
        *(["more than one ProductionVariant and one shadow"] if (len(production), len(shadows)) != (1, 1) else []),
        *(["an AsyncInferenceConfig"] if "AsyncInferenceConfig" in config else []),
        *(["a ServerlessConfig"] if any("ServerlessConfig" in variant for variant in both) else []),
        *(["variants without ModelName"] if any("ModelName" not in variant for variant in both) else []),
        *(["Inf1 instances"] if any(kind.startswith("ml.inf1.") for variant in both for kind in pools.types(variant)) else []),
    ]
    if wrong:
        raise ApiError("ValidationException", f"An endpoint configuration with ShadowProductionVariants cannot have {', '.join(wrong)}.")


def copy(fleet: Fleet, ask: Callable[[Variant], object]) -> None:
    """Lets the shadow be asked on another thread, for its share of the requests: its weight against that of what serves. Returns at once."""
    for shadow in fleet.shadows:
        if random.random() * fleet.variants[0].weight < shadow.weight and _room.acquire(blocking=False):
            _COPIES.submit(_ask, shadow, ask)


def _ask(shadow: Variant, ask: Callable[[Variant], object]) -> None:
    try:
        ask(shadow)
    except ApiError:
        pass  # its metrics tell
    except Exception:  # noqa: BLE001
        _LOG.exception("a copy of a request to the shadow variant %s of endpoint %s failed", shadow.name, shadow.endpoint)
    finally:
        _room.release()
