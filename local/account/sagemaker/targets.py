"""What a request of the runtime API is for: the model of a variant, or an inference component on its instances."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from ..service_models import ApiError
from . import control_plane
from .components import component_store
from .fleet import MONITOR, Fleet, Variant
from .components.hosts import HostVariant
from .instance import Instance
from .telemetry import Outcome, record, record_component, record_no_capacity

COMPONENT_HEADER = "x-amzn-sagemaker-inference-component"
ADAPTER_HEADER = "X-Amzn-SageMaker-Adapter-Identifier"
"""Tells the container which of its adapters a request is for (https://github.com/aws/model-hosting-container-standards)."""


@dataclass(frozen=True)
class Target:
    """Where a request goes."""

    fleet: Fleet
    variant: Variant
    component: str | None = None
    copies_of: str | None = None
    """The component whose copies answer: for an adapter, its base."""
    headers: dict[str, str] = field(default_factory=dict)

    def pick(self) -> Instance | None:
        """The container that answers, or None when none is healthy. Raises ApiError for a component without copies."""
        if not isinstance(self.variant, HostVariant) or self.component is None or self.copies_of is None:
            return self.variant.pick()
        if not any(copy.ready for copy in self.variant.copies(self.copies_of)):
            record_no_capacity(self.component)
            # https://aws.amazon.com/blogs/machine-learning/unlock-cost-savings-with-the-new-scale-down-to-zero-feature-in-amazon-sagemaker-inference/
            raise ApiError(
                "ValidationError",
                "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if configured) or try to increase the"
                " capacity by invoking UpdateInferenceComponentRuntimeConfig API.",
            )
        return self.variant.pick_copy(self.copies_of)

    def record(self, outcome: Outcome) -> None:
        """Publishes how it went."""
        if isinstance(self.variant, HostVariant) and self.component is not None and self.copies_of is not None:
            record_component(self.component, sum(copy.ready for copy in self.variant.copies(self.copies_of)), outcome)
        else:
            record(self.fleet, self.variant, outcome)


def find(name: str, headers: Mapping[str, str]) -> Target:
    """The target of a request to an endpoint. Raises ApiError."""
    endpoint = next((endpoint for endpoint in list(MONITOR.fleets) if endpoint.lower() == name.lower()), name)
    fleet = MONITOR.route(endpoint)
    if fleet is None:
        try:
            status = control_plane.call("DescribeEndpoint", {"EndpointName": name})["EndpointStatus"]
        except ApiError:
            raise ApiError("ValidationError", f"Endpoint {name} of account {control_plane.aws.ACCOUNT_ID} not found.") from None
        raise ApiError("ValidationError", f"Endpoint {name} is {status}: it must be InService.")
    component = headers.get(COMPONENT_HEADER)
    if fleet.hosts_components:
        return _component(fleet, component)
    if component is not None:
        # This text and the other one: https://github.com/BerriAI/litellm/blob/main/litellm/llms/sagemaker and its tests
        raise ApiError(
            "ValidationError",
            "Inference Component Name header is not allowed for endpoints to which you dont plan to deploy inference components. Please remove the Inference"
            " Component Name header and try again.",
        )
    wanted = headers.get("x-amzn-sagemaker-target-variant")
    variant = fleet.variant(wanted)
    if variant is None:
        raise ApiError("ValidationError", f"Variant {wanted} of endpoint {name} not found.")
    return Target(fleet, variant)


def _component(fleet: Fleet, name: str | None) -> Target:
    if name is None:
        raise ApiError(
            "ValidationError",
            "Inference Component Name header is required for endpoints to which you plan to deploy inference components. Please include Inference Component Name"
            " header or consider using SageMaker models.",
        )
    found = [record for record in component_store.hosted(fleet.endpoint) if record["InferenceComponentName"].lower() == name.lower()]
    variant = found and fleet.variant(found[0]["VariantName"])
    if not found or not isinstance(variant, HostVariant):
        raise ApiError("ValidationError", f"Inference component {name} of endpoint {fleet.endpoint} not found.")
    own = found[0]["InferenceComponentName"]
    base = found[0]["Specification"].get("BaseInferenceComponentName")
    return Target(fleet, variant, own, base or own, {ADAPTER_HEADER: own} if base else {})
